# Shows what is wrong with the container $1 ($2), and the last lines of its log.
show_log_tail() {
  echo "$1 $2. The last lines of its log:"
  docker logs --tail 25 "$1" 2>&1 | sed 's/^/  | /'
}
