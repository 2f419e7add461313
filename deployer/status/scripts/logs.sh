# Prints the logs of the application's containers, or one file, masked before they leave the host.
# Needs NAME, ENV_FILE, SERVICE (empty for all), FILE (instead of containers), SINCE, GREP, LINES, FOLLOW (1: until
# standard input ends), and mask.sh in front of it.
container_logs() {
  local words=()
  if [ -n "$SERVICE" ]; then words=(--no-log-prefix "$SERVICE"); fi
  docker compose --project-name "$NAME" logs --no-color --tail "$LINES" ${SINCE:+--since "$SINCE"} "$@" "${words[@]}" 2>&1 |
    sed -u 's/^\x1b\[2K//'
}

file_log() {
  if [ ! -e "$FILE" ]; then echo "$FILE does not exist yet"; return; fi
  tail -n "$LINES" "$@" "$FILE"
}

print_log() { if [ -n "$FILE" ]; then file_log "$@"; else container_logs "$@"; fi; }
matching() { if [ -n "$GREP" ]; then grep --line-buffered -F -e "$GREP" || true; else cat; fi; }

if [ "$FOLLOW" != 1 ]; then print_log </dev/null | mask "$ENV_FILE" | matching; exit; fi
# A process group of its own ends as one when the operator is gone: otherwise a process could stay behind, waiting for a
# line that may never come. The operator's side takes a missing heartbeat for a dead connection.
set -m
if [ -n "$FILE" ]; then go_on=-F; else go_on=-f; fi
{ print_log "$go_on" </dev/null | mask "$ENV_FILE" | matching; } &
while kill -0 $! 2>/dev/null; do
  IFS= read -r -t 15 _
  case $? in 0) ;; 1) break ;; *) printf '\036\n' ;; esac
done
kill -- -$! 2>/dev/null
