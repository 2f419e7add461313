# Functions: is a container healthy? Needs LIMIT (seconds); proxy.sh and log_tail.sh in front of it.
docker_is_up() { docker version >/dev/null 2>&1; }

# While Docker itself restarts nothing is known of a container, so that is awaited.
running() { await 60 docker_is_up && [ "$(docker inspect --format '{{.State.Status}} {{.RestartCount}}' "$1")" = "running 0" ]; }

answers() { docker exec "$1" sh -c "$2" >/dev/null 2>&1; }

# A container that ended or restarts will not become healthy: fail at once, and show its log.
healthy() {
  local deadline=$((SECONDS + LIMIT)) pause=0.3
  until answers "$1" "$2"; do
    if ! running "$1"; then show_log_tail "$1" "does not keep running"; return 1; fi
    if [ "$SECONDS" -ge "$deadline" ]; then show_log_tail "$1" "is not healthy after $LIMIT s"; return 1; fi
    sleep "$pause"
    pause=$(awk -v p="$pause" 'BEGIN { print p < 2 ? p * 1.6 : 2 }')
  done
}
