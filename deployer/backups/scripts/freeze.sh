# Functions: the one moment in which the application's containers stand still, and what changed until then is set aside.
# Needs NAME, ROOT, SQLITE (the text of sqlite_copy.py); archive.sh and database.sh; `say`, and the directories `work` and
# `words` (for what programs say) when a backup runs; pipefail.
staged=.deployer/staged # below ROOT, so that setting aside needs no other disk
still=30                # seconds that the containers stand still at most
paused=''
pause_seconds=0

backends() { docker ps -q --filter "status=$1" --filter "label=com.docker.compose.project=$NAME" --filter label=com.docker.compose.service=backend-api; }

last_word() { tail -n 1 "$words/other" 2>/dev/null; }

# Should this script die while they stand still, the timer lets them go on. logrotate holds them still under the same name,
# which systemd gives to one at a time.
set_timer() {
  local tries=0
  until systemd-run --quiet --collect --unit="$NAME-unpause" --on-active="$still" --timer-property=AccuracySec=1s \
    docker unpause $1 2>"$words/other"; do
    tries=$((tries + 1))
    if [ "$tries" -ge 3 ] && [ "$(systemctl is-active "$NAME-unpause.timer")" != active ]; then return 1; fi
    if [ "$tries" -ge $((2 * still)) ]; then return 1; fi
    sleep 1
  done
}

free_timer() { systemctl stop "$NAME-unpause.timer" 2>/dev/null || true; }

docker_is_silent() { say "Docker does not answer, so the application cannot be held still: $(last_word); see systemctl status docker"; }

# Those that somebody else has paused, and leaves paused, are not ours to let go on.
pause() {
  local all ids
  all=$({ backends running && backends paused; } 2>"$words/other" | paste -sd ' ') || { docker_is_silent; return 1; }
  if [ -z "$all" ]; then return; fi
  set_timer "$all" || { say "the application is not held still, because no timer can be set that lets it go on: $(last_word)"; return 1; }
  ids=$(backends running 2>"$words/other" | paste -sd ' ') || { free_timer; docker_is_silent; return 1; }
  if [ -z "$ids" ]; then free_timer; return; fi
  paused=$ids
  docker pause $ids >/dev/null 2>"$words/other" ||
    { say "the application's containers could not be paused: $(last_word); see docker ps"; return 1; }
}

# Where one is still paused, Docker does not obey: the timer stays, and tries it once more.
unpause() {
  local left=''
  if [ -z "$paused" ]; then return; fi
  docker unpause $paused >/dev/null 2>&1 || left=$(backends paused 2>&1) || left=unknown
  if [ -z "$left" ]; then free_timer; fi
  paused=''
}

# A container that was started meanwhile, or let go on by somebody: then this was no instant.
all_stood_still() {
  local running
  running=$(backends running 2>"$words/other") || { say "Docker does not answer: $(last_word)"; return 1; }
  if [ -n "$running" ]; then say "a container of the application did not stand still to the end, which is after at most $still s: run it again"; return 1; fi
}

# -- what is read while the application runs ---------------------------------------------------------------------------

# The first look. Left for the standstill is what was written a moment ago, since a second write could leave the same
# time behind, and what a database keeps beside its file only as long as it works: unpacked later, it would be taken for new.
look() {
  scan volumes ! -newerct "@$(awk -v now="$EPOCHREALTIME" 'BEGIN { printf "%.6f", now - 0.1 }')" \
    ! -name '*-wal' ! -name '*-shm' ! -name '*-journal' >"$work/before" 2>/dev/null || true # what goes meanwhile is seen later
}

# -- the instant -------------------------------------------------------------------------------------------------------

# A database belongs to what lies beside it.
databases_beside() {
  local base
  sed -znE 's/-(wal|journal)$//p' "$1" | while IFS= read -r -d '' base; do
    if [ -f "$ROOT/$base" ] && [ ! -L "$ROOT/$base" ]; then printf '%s\0' "$base"; fi
  done
}

look_again() {
  scan volumes >"$work/standing" 2>"$words/other" ||
    { say "data/ or logs/ cannot be looked at, or is changed by others than the application: $(last_word)"; return 1; }
  LC_ALL=C comm -z -13 "$work/before" "$work/standing" >"$work/differing" && paths_in "$work/differing" >"$work/differing.names" &&
    { cat "$work/differing.names"; databases_beside "$work/differing.names"; } | LC_ALL=C sort -zu >"$work/changed"
}

# All of it, and once more the largest: a database is copied a second time.
room_to_set_aside() {
  local wanted free
  wanted=$(tr '\n' '?' <"$work/differing" | tr '\0' '\n' | awk '{ total += $5; if ($5 > most) most = $5 } END { printf "%.0f", total + most + 32e6 }')
  free=$(free_in "$ROOT")
  if [ "$free" -ge "$wanted" ]; then return; fi
  say "not enough room in $ROOT for what changed during the backup: $(megabytes "$wanted") are needed, $(megabytes "$free") are free"
  return 1
}

set_aside() {
  rm -rf "${ROOT:?}/$staged" && mkdir -p "$ROOT/$staged" && room_to_set_aside || return
  timeout $((still - 5)) tar -C "$ROOT" "${packed[@]}" --no-recursion --null -T "$work/changed" -cf - 2>"$words/other" |
    tar -C "$ROOT/$staged" "${unpacked[@]}" -xf - 2>"$words/unpacked"
  case ${PIPESTATUS[*]} in
    "0 0") return ;;
    124*) say "what changed during the backup could not be set aside within $((still - 5)) s: $(largest_changed)" ;;
    1*) say "others than the application write to data/ or logs/, which cannot be held still: $(last_word)" ;;
    *) say "what changed during the backup could not be set aside: $(cat "$words/other" "$words/unpacked" | tail -n 1)" ;;
  esac
  return 1
}

largest_changed() {
  local size name
  IFS=' ' read -r size name < <(tr '\n' '?' <"$work/differing" | tr '\0' '\n' | sed -E 's/^([^ ]+ ){4}([^ ]+) ([^ ]+ ){3}/\2 /' | sort -rn | head -n 1)
  printf '%s files, the largest %s (%s)' "$(tr -cd '\0' <"$work/changed" | wc -c)" "${name:-none}" "$(megabytes "${size:-0}")"
}

hold_still() {
  local began=$EPOCHREALTIME code=0 held
  pause || { unpause; return 1; }
  held=$paused
  look_again && set_aside && database_snapshot && all_stood_still || code=1
  unpause
  pause_seconds=$(awk -v a="$EPOCHREALTIME" -v b="$began" 'BEGIN { printf "%.3f", a - b }')
  if [ "$code" = 0 ] && [ -n "$held" ]; then say "the application stood still for $pause_seconds s"; fi
  return "$code"
}

# SQLite's files that were set aside, each brought to one sound file by SQLite itself; the lists follow.
fold_databases() {
  python3 -c "$SQLITE" "$ROOT/$staged" "$work/changed" "$work/standing" 2>"$words/other" && return
  say "$(last_word)"
  return 1
}
