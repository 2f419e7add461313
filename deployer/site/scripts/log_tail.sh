# last_words: what the container $1 wrote last, after what is wrong with it ($2).
last_words() {
  echo "$1 $2; its last lines:"
  docker logs --tail 25 "$1" 2>&1 | sed 's/^/  | /'
}
