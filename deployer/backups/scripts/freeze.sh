# Functions: the application's containers are paused for a moment, in which the files that changed since the first scan are
# set aside. Needs NAME, ROOT, SQLITE (the text of sqlite_copy.py); archive.sh and database.sh; `report`, and the
# directories `work` and `messages` (what programs print) of the backup that is made; pipefail.
staged=.deployer/staged # below ROOT, so that setting aside needs no other disk
pause_limit=30          # seconds for which the containers are paused at most
paused=''
pause_seconds=0

backends() { docker ps -q --filter "status=$1" --filter "label=com.docker.compose.project=$NAME" --filter label=com.docker.compose.service=backend-api; }

last_message() { tail -n 1 "$messages/other" 2>/dev/null; }

# Should this script die meanwhile, the timer unpauses the containers. logrotate pauses them with a timer of the same name,
# which systemd gives to one of both at a time.
set_timer() {
  local tries=0
  until systemd-run --quiet --collect --unit="$NAME-unpause" --on-active="$pause_limit" --timer-property=AccuracySec=1s \
    docker unpause $1 2>"$messages/other"; do
    tries=$((tries + 1))
    if [ "$tries" -ge 3 ] && [ "$(systemctl is-active "$NAME-unpause.timer")" != active ]; then return 1; fi
    if [ "$tries" -ge $((2 * pause_limit)) ]; then return 1; fi
    sleep 1
  done
}

free_timer() { systemctl stop "$NAME-unpause.timer" 2>/dev/null || true; }

report_docker_down() { report "Docker does not answer, so the application cannot be paused: $(last_message); see systemctl status docker"; }

# Containers that somebody else has paused stay paused.
pause() {
  local all ids
  all=$({ backends running && backends paused; } 2>"$messages/other" | paste -sd ' ') || { report_docker_down; return 1; }
  if [ -z "$all" ]; then return; fi
  set_timer "$all" || { report "the application is not paused, because no timer can be set that would unpause it: $(last_message)"; return 1; }
  ids=$(backends running 2>"$messages/other" | paste -sd ' ') || { free_timer; report_docker_down; return 1; }
  if [ -z "$ids" ]; then free_timer; return; fi
  paused=$ids
  docker pause $ids >/dev/null 2>"$messages/other" ||
    { report "the application's containers could not be paused: $(last_message); see docker ps"; return 1; }
}

# Where Docker leaves one paused, the timer stays and tries it once more.
unpause() {
  local left=''
  if [ -z "$paused" ]; then return; fi
  docker unpause $paused >/dev/null 2>&1 || left=$(backends paused 2>&1) || left=unknown
  if [ -z "$left" ]; then free_timer; fi
  paused=''
}

# A container that was started or unpaused meanwhile may have written: then the backup is not of one instant.
all_stayed_paused() {
  local running
  running=$(backends running 2>"$messages/other") || { report "Docker does not answer: $(last_message)"; return 1; }
  if [ -n "$running" ]; then report "a container of the application did not stay paused to the end, which is after at most $pause_limit s: run the backup again"; return 1; fi
}

# -- while the application runs ----------------------------------------------------------------------------------------

# The first scan. It leaves two kinds of files to the second one: those written a moment ago, since a second write could
# leave the same time, and those that a database keeps next to its file while it works: restored, they would be replayed.
scan_running() {
  scan volumes ! -newerct "@$(awk -v now="$EPOCHREALTIME" 'BEGIN { printf "%.6f", now - 0.1 }')" \
    ! -name '*-wal' ! -name '*-shm' ! -name '*-journal' >"$work/before" 2>/dev/null || true # the second scan notices what is removed meanwhile
}

# -- while it is paused ------------------------------------------------------------------------------------------------

# A database is set aside together with its log or journal.
databases_of() {
  local base
  sed -znE 's/-(wal|journal)$//p' "$1" | while IFS= read -r -d '' base; do
    if [ -f "$ROOT/$base" ] && [ ! -L "$ROOT/$base" ]; then printf '%s\0' "$base"; fi
  done
}

scan_paused() {
  scan volumes >"$work/listing" 2>"$messages/other" ||
    { report "data/ or logs/ cannot be read, or other processes than the application change them: $(last_message)"; return 1; }
  LC_ALL=C comm -z -13 "$work/before" "$work/listing" >"$work/differing" && paths_in "$work/differing" >"$work/differing.names" &&
    { cat "$work/differing.names"; databases_of "$work/differing.names"; } | LC_ALL=C sort -zu >"$work/changed"
}

# The size of all of it, and once more of the largest: a database is copied a second time.
has_capacity_to_set_aside() {
  local wanted free
  wanted=$(tr '\n' '?' <"$work/differing" | tr '\0' '\n' | awk '{ total += $5; if ($5 > most) most = $5 } END { printf "%.0f", total + most + 32e6 }')
  free=$(free_in "$ROOT")
  if [ "$free" -ge "$wanted" ]; then return; fi
  report "not enough disk space in $ROOT for what changed during the backup: $(megabytes "$wanted") are needed, $(megabytes "$free") are free"
  return 1
}

set_aside() {
  rm -rf "${ROOT:?}/$staged" && mkdir -p "$ROOT/$staged" && has_capacity_to_set_aside || return
  timeout $((pause_limit - 5)) tar -C "$ROOT" "${create_options[@]}" --no-recursion --null -T "$work/changed" -cf - 2>"$messages/other" |
    tar -C "$ROOT/$staged" "${extract_options[@]}" -xf - 2>"$messages/unpacked"
  case ${PIPESTATUS[*]} in
    "0 0") return ;;
    124*) report "what changed during the backup could not be set aside within $((pause_limit - 5)) s: $(largest_changed)" ;;
    1*) report "other processes than the application write to data/ or logs/, and cannot be paused: $(last_message)" ;;
    *) report "what changed during the backup could not be set aside: $(cat "$messages/other" "$messages/unpacked" | tail -n 1)" ;;
  esac
  return 1
}

largest_changed() {
  local size name
  IFS=' ' read -r size name < <(tr '\n' '?' <"$work/differing" | tr '\0' '\n' | sed -E 's/^([^ ]+ ){4}([^ ]+) ([^ ]+ ){3}/\2 /' | sort -rn | head -n 1)
  printf '%s files, the largest %s (%s)' "$(tr -cd '\0' <"$work/changed" | wc -c)" "${name:-none}" "$(megabytes "${size:-0}")"
}

freeze() {
  local began=$EPOCHREALTIME code=0 held
  pause || { unpause; return 1; }
  held=$paused
  scan_paused && set_aside && database_snapshot && all_stayed_paused || code=1
  unpause
  pause_seconds=$(awk -v a="$EPOCHREALTIME" -v b="$began" 'BEGIN { printf "%.3f", a - b }')
  if [ "$code" = 0 ] && [ -n "$held" ]; then report "the application was paused for $pause_seconds s"; fi
  return "$code"
}

# SQLite itself merges each of its databases that was set aside with its log into one file, and the lists are updated.
consolidate_databases() {
  python3 -c "$SQLITE" "$ROOT/$staged" "$work/changed" "$work/listing" 2>"$messages/other" && return
  report "$(last_message)"
  return 1
}
