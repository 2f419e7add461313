# Shows the logs of the application's containers, or of one file, masked before they leave the host.
# Needs NAME, ENV_FILE, SERVICE (empty for all), FILE (instead of containers), SINCE, GREP, LINES, FOLLOW (1: go
# on until standard input ends), and mask.sh in front of it.
of_containers() {
  local words=()
  if [ -n "$SERVICE" ]; then words=(--no-log-prefix "$SERVICE"); fi
  docker compose --project-name "$NAME" logs --no-color --tail "$LINES" ${SINCE:+--since "$SINCE"} "$@" "${words[@]}" 2>&1 |
    sed -u 's/^\x1b\[2K//'
}

of_file() {
  if [ ! -e "$FILE" ]; then echo "$FILE is not there yet"; return; fi
  tail -n "$LINES" "$@" "$FILE"
}

show() { if [ -n "$FILE" ]; then of_file "$@"; else of_containers "$@"; fi; }
wanted() { if [ -n "$GREP" ]; then grep --line-buffered -F -e "$GREP" || true; else cat; fi; }

if [ "$FOLLOW" != 1 ]; then show </dev/null | mask "$ENV_FILE" | wanted; exit; fi
# In a process group of its own, to be ended as a whole when the operator is gone: nothing stays behind that waits for a
# line which may never come. A mark now and then is the sign of life that the operator's side waits for.
set -m
if [ -n "$FILE" ]; then go_on=-F; else go_on=-f; fi
{ show "$go_on" </dev/null | mask "$ENV_FILE" | wanted; } &
while kill -0 $! 2>/dev/null; do
  IFS= read -r -t 15 _
  case $? in 0) ;; 1) break ;; *) printf '\036\n' ;; esac
done
kill -- -$! 2>/dev/null
