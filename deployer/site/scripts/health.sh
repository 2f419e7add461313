# Functions: is a container well? Needs LIMIT (seconds); proxy.sh and last_words.sh in front of it.
docker_is_up() { docker version >/dev/null 2>&1; }
# While Docker itself is being restarted nothing is known of a container: that is waited for.
running() { await 60 docker_is_up && [ "$(docker inspect --format '{{.State.Status}} {{.RestartCount}}' "$1")" = "running 0" ]; }
answers() { docker exec "$1" sh -c "$2" >/dev/null 2>&1; }

# A container that ended or restarts will not become healthy: say why at once, with its own last words.
healthy() {
  local deadline=$((SECONDS + LIMIT)) pause=0.3
  until answers "$1" "$2"; do
    if ! running "$1"; then last_words "$1" "does not keep running"; return 1; fi
    if [ "$SECONDS" -ge "$deadline" ]; then last_words "$1" "is not healthy after $LIMIT s"; return 1; fi
    sleep "$pause"
    pause=$(awk -v p="$pause" 'BEGIN { print p < 2 ? p * 1.6 : 2 }')
  done
}
