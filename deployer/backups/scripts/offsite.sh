# Functions: off-site snapshots, one for each complete backup, tagged with its id, in a restic repository elsewhere.
# Needs NAME, DIRECTORY, SNAPSHOTS (the text of snapshots.py), KEEP_DAYS, KEEP_MIN; archive.sh, verify.sh and restic.sh
# in front of it.
long_limit=21600 # seconds for one backup, and for commands that read the repository

# -- the repository ----------------------------------------------------------------------------------------------------

# A new one is made only where none was ever seen. One that was seen is unreachable (its disk is not mounted, say).
open_repository() {
  local code=0 where
  where=$(sed -n 's/^RESTIC_REPOSITORY=//p' "$OFFSITE_ENV")
  repository_opens || code=$?
  if [ "$code" = 10 ] && [ "$(cat "$OFFSITE/known" 2>/dev/null)" = "$where" ]; then
    explain_restic 10 "the repository is gone"
    why+=" To begin a new one: rm $OFFSITE/known"
    return 1
  fi
  if [ "$code" = 10 ]; then
    try_restic "$short_limit" "the repository could not be made" --no-cache init || return
    echo "off-site: a new repository was made"
  elif [ "$code" != 0 ]; then
    explain_restic "$code" "the repository does not open"
    return 1
  fi
  printf '%s\n' "$where" >"$OFFSITE/known"
}

# -- the snapshots -----------------------------------------------------------------------------------------------------

list_snapshots() {
  try_restic "$short_limit" "the snapshots cannot be listed" --no-cache --no-lock snapshots --json --tag deployer --host "$NAME" &&
    listed=$(python3 -c "$SNAPSHOTS" <<<"$output")
}

# Prints the off-site snapshots as manifest.py prints the backups of this host: a line of JSON for each, oldest first.
offsite_list() {
  local output='' why='' listed=''
  list_snapshots >&2 || { echo "$why" >&2; return 1; }
  if [ -n "$listed" ]; then printf '%s\n' "$listed"; fi
}

snapshots_of() { sed -nE "s/^\{\"id\": \"$1\".*\"snapshot\": \"([0-9a-f]+)\".*/\1/p" <<<"$listed"; }

# -- copying -----------------------------------------------------------------------------------------------------------

# restic makes a snapshot also of what it could read only in part: that one is removed.
drop_unfinished() {
  local id
  if [ ! -s "$OFFSITE/pushing" ]; then return; fi
  id=$(cat "$OFFSITE/pushing")
  list_snapshots || return
  if [ -n "$(snapshots_of "$id")" ]; then
    try_restic "$short_limit" "the unfinished snapshot $id cannot be removed" --quiet forget $(snapshots_of "$id") || return
  fi
  rm -f "$OFFSITE/pushing"
}

push_one() {
  local id=$1 time code=0
  printf '%s\n' "$id" >"$OFFSITE/pushing"
  time=$(date -u -d "$(field "$DIRECTORY/$id/manifest.json" time)" '+%F %T')
  cd "$DIRECTORY/$id" || { why="$id was removed before it was copied"; return 1; }
  ask_restic "$long_limit" --quiet backup --host "$NAME" --time "$time" --tag deployer --tag "$id" --exclude verified \
    --tag "size=$(field manifest.json bytes)" --tag "release=$(field manifest.json release id)" . || code=$?
  cd / || return
  if [ "$code" != 0 ]; then
    explain_restic "$code" "$id could not be copied"
    if [ "$code" = 3 ]; then drop_unfinished || true; why="$id could not be read completely, and was not copied"; fi
    return 1
  fi
  rm -f "$OFFSITE/pushing"
  echo "off-site: copied $id"
}

# The latest first: it is worth most, should there be time for one only.
push_missing() {
  local id present
  drop_unfinished && list_snapshots || return
  present=$(ids <<<"$listed")
  for id in $(complete_backups | grep -vxF -- "${present:-none}" | tac); do
    push_one "$id" || return
  done
}

# The days count back from the latest snapshot, which is always kept.
forget_snapshots() {
  try_restic "$long_limit" "all backups are copied, but old snapshots could not be removed" --quiet forget --prune --tag deployer \
    --host "$NAME" --group-by host --keep-within "${KEEP_DAYS}d" --keep-last "$KEEP_MIN"
}

# Checks the structure and a quarter of the data once a week: all is read within four weeks. `checked` holds the quarter.
check_weekly() {
  local stamp=$OFFSITE/checked part code=0
  if [ -n "$(find "$stamp" -mmin -10080 2>/dev/null)" ]; then return; fi
  part=$(($(cat "$stamp" 2>/dev/null || echo 0) % 4 + 1))
  ask_restic "$long_limit" --quiet check --read-data-subset="$part/4" || code=$?
  case $code:$output in
    0:*) printf '%s\n' "$part" >"$stamp"; echo "off-site: checked, and read quarter $part of 4" ;;
    1:*"contains errors"* | 1:*"errors were found"*)
      explain_restic 1 ''
      why="restic check finds the repository damaged; see docs/offsite.md, A damaged repository"
      return 1 ;;
    *) explain_restic "$code" "the repository could not be checked" ;;
  esac
}

offsite_sync() {
  local other
  install -d -m 0700 "$OFFSITE"
  exec {other}>>"/run/lock/deployer-$NAME-offsite.lock"
  flock -w 600 "$other" || { why="another run is copying backups"; return 1; }
  open_repository && try_restic "$short_limit" "stale locks could not be removed" --quiet unlock &&
    push_missing && forget_snapshots && check_weekly && list_snapshots
}

# After a backup: copies every complete backup that has no snapshot yet.
offsite_push() {
  local output='' why='' listed=''
  if offsite_sync; then echo "off-site: $(grep -c . <<<"$listed") snapshots in the repository"; return; fi
  echo "the local backup is complete; copying it off-site failed: $why"
  return 1
}

# -- fetching ----------------------------------------------------------------------------------------------------------

# Fetches ID (or latest) into DIRECTORY, complete and verified. One that is intact there is kept; a damaged one is moved
# aside, and kept until the next backup.
offsite_fetch() {
  local id=$1 output='' why='' listed='' arriving
  if ! list_snapshots || ! { choose_snapshot && fetch_to_staging && place_snapshot; }; then
    rm -rf "${arriving:-/nonexistent}"
    echo "the off-site snapshot cannot be fetched: $why"
    return 1
  fi
}

choose_snapshot() {
  if [ "$id" = latest ]; then id=$(ids <<<"$listed" | tail -n 1); fi
  if [ -z "$id" ]; then why="the repository has no snapshot of $NAME"; return 1; fi
  if [ -z "$(snapshots_of "$id")" ]; then
    why="the repository has no $id, only: $(ids <<<"$listed" | paste -sd ' ')"
    return 1
  fi
}

fetch_to_staging() {
  local size
  arriving=$DIRECTORY/.$id.unfinished
  install -d -m 0700 "$DIRECTORY" && rm -rf "$arriving"
  if [ -d "$DIRECTORY/$id" ] && verify_backup "$id"; then arriving=''; return; fi
  size=$(sed -nE "s/^\{\"id\": \"$id\".*\"bytes\": ([0-9]+).*/\1/p" <<<"$listed")
  if [ "$(free_in "$DIRECTORY")" -lt $((${size:-0} + 16000000)) ]; then
    why="not enough disk space in $DIRECTORY for $size bytes"
    return 1
  fi
  install -d -m 0700 "$arriving/$id"
  try_restic "$long_limit" "$id could not be fetched" --no-cache --no-lock --quiet restore "$(snapshots_of "$id")" --target "$arriving/$id" || return
  why=$(DIRECTORY=$arriving verify_backup "$id")
}

place_snapshot() {
  if [ -z "$arriving" ]; then echo "$id is in $DIRECTORY already, and intact"; return; fi
  chmod 700 "$arriving/$id"
  if [ -e "$DIRECTORY/$id" ]; then mv -T "$DIRECTORY/$id" "$arriving/damaged" || return; fi
  if ! mv -T "$arriving/$id" "$DIRECTORY/$id"; then why="it could not be moved to $DIRECTORY"; return 1; fi
  sync "$DIRECTORY"
  rmdir "$arriving" 2>/dev/null || true
  echo "fetched $id, and verified it"
}
