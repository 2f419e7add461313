# Functions: copies of whole backups in a restic repository elsewhere, one snapshot for each, tagged with its id.
# Needs NAME, DIRECTORY, COPIES (the text of copies.py), KEEP_DAYS, KEEP_MIN; archive.sh and restic.sh in front of it.
long=21600 # seconds for one backup, and for what reads the repository

# -- the repository ----------------------------------------------------------------------------------------------------

# A new one is made only where none was ever seen: one that was there is away (a disk that is not mounted looks so).
open_repository() {
  local code=0 where
  where=$(sed -n 's/^RESTIC_REPOSITORY=//p' "$OFFSITE_ENV")
  repository_opens || code=$?
  if [ "$code" = 10 ] && [ "$(cat "$OFFSITE/known" 2>/dev/null)" = "$where" ]; then
    explain_restic 10 "the repository is gone"
    why+=" A new one is begun after: rm $OFFSITE/known"
    return 1
  fi
  if [ "$code" = 10 ]; then
    try_restic "$quick" "the repository could not be made" --no-cache init || return
    echo "off-site: a new repository was made"
  elif [ "$code" != 0 ]; then
    explain_restic "$code" "the repository does not open"
    return 1
  fi
  printf '%s\n' "$where" >"$OFFSITE/known"
}

# -- what is there -----------------------------------------------------------------------------------------------------

copies() {
  try_restic "$quick" "the copies cannot be listed" --no-cache --no-lock snapshots --json --tag deployer --host "$NAME" &&
    listed=$(python3 -c "$COPIES" <<<"$said")
}

# As shelf.py tells of the backups that lie here: a line of JSON for each, oldest first.
offsite_list() {
  local said='' why='' listed=''
  copies >&2 || { echo "$why" >&2; return 1; }
  if [ -n "$listed" ]; then printf '%s\n' "$listed"; fi
}

snapshots_of() { sed -nE "s/^\{\"id\": \"$1\".*\"snapshot\": \"([0-9a-f]+)\".*/\1/p" <<<"$listed"; }

# -- the copies --------------------------------------------------------------------------------------------------------

# What restic could read only in part (it went meanwhile) is a snapshot as well, and counts as none.
drop_unfinished() {
  local id
  if [ ! -s "$OFFSITE/pushing" ]; then return; fi
  id=$(cat "$OFFSITE/pushing")
  copies || return
  if [ -n "$(snapshots_of "$id")" ]; then
    try_restic "$quick" "the unfinished copy $id cannot be removed" --quiet forget $(snapshots_of "$id") || return
  fi
  rm -f "$OFFSITE/pushing"
}

push_one() {
  local id=$1 time code=0
  printf '%s\n' "$id" >"$OFFSITE/pushing"
  time=$(date -u -d "$(field "$DIRECTORY/$id/manifest.json" time)" '+%F %T')
  cd "$DIRECTORY/$id" || { why="$id went while it was to be copied"; return 1; }
  ask_restic "$long" --quiet backup --host "$NAME" --time "$time" --tag deployer --tag "$id" --exclude verified \
    --tag "size=$(field manifest.json bytes)" --tag "release=$(field manifest.json release id)" . || code=$?
  cd / || return
  if [ "$code" != 0 ]; then
    explain_restic "$code" "$id could not be copied"
    if [ "$code" = 3 ]; then drop_unfinished || true; why="$id could not be read as a whole, and was not copied"; fi
    return 1
  fi
  rm -f "$OFFSITE/pushing"
  echo "off-site: copied $id"
}

# The newest first: it is worth most, should there be time for one only.
push_missing() {
  local id there
  drop_unfinished && copies || return
  there=$(ids <<<"$listed")
  for id in $(whole_ones | grep -vxF -- "${there:-none}" | tac); do
    push_one "$id" || return
  done
}

# Counted from the newest copy, which always stays.
forget_copies() {
  try_restic "$long" "the copies are complete, but old ones could not be removed" --quiet forget --prune --tag deployer \
    --host "$NAME" --group-by host --keep-within "${KEEP_DAYS}d" --keep-last "$KEEP_MIN"
}

# Once a week the structure and a quarter of the data: all of it is read within four weeks. `checked` holds the quarter.
check_weekly() {
  local stamp=$OFFSITE/checked part code=0
  if [ -n "$(find "$stamp" -mmin -10080 2>/dev/null)" ]; then return; fi
  part=$(($(cat "$stamp" 2>/dev/null || echo 0) % 4 + 1))
  ask_restic "$long" --quiet check --read-data-subset="$part/4" || code=$?
  case $code:$said in
    0:*) printf '%s\n' "$part" >"$stamp"; echo "off-site: checked, and read quarter $part of 4" ;;
    1:*"contains errors"* | 1:*"errors were found"*)
      explain_restic 1 ''
      why="restic check finds the repository damaged; see docs/offsite.md, A damaged repository"
      return 1 ;;
    *) explain_restic "$code" "the repository could not be checked" ;;
  esac
}

offsite_copy() {
  local other
  install -d -m 0700 "$OFFSITE"
  exec {other}>>"/run/lock/deployer-$NAME-offsite.lock"
  flock -w 600 "$other" || { why="another copy is under way"; return 1; }
  open_repository && try_restic "$quick" "stale locks could not be removed" --quiet unlock &&
    push_missing && forget_copies && check_weekly && copies
}

# After a backup: everything whole that lies here and not there.
offsite_push() {
  local said='' why='' listed=''
  if offsite_copy; then echo "off-site: $(grep -c . <<<"$listed") copies there"; return; fi
  echo "the local backup is complete; the off-site copy failed: $why"
  return 1
}

# -- the way back ------------------------------------------------------------------------------------------------------

# ID, or latest: lies in DIRECTORY afterwards, whole and verified. One that is good already is left alone; a damaged one
# makes place, and is kept under another name until the next backup.
offsite_fetch() {
  local id=$1 said='' why='' listed='' arriving
  if ! copies || ! { choose_copy && fetch_beside && lay_copy; }; then
    rm -rf "${arriving:-/nonexistent}"
    echo "the off-site copy cannot be fetched: $why"
    return 1
  fi
}

choose_copy() {
  if [ "$id" = latest ]; then id=$(ids <<<"$listed" | tail -n 1); fi
  if [ -z "$id" ]; then why="there is none of $NAME in the repository"; return 1; fi
  if [ -z "$(snapshots_of "$id")" ]; then
    why="there is no $id; there are: $(ids <<<"$listed" | paste -sd ' ')"
    return 1
  fi
}

fetch_beside() {
  local size
  arriving=$DIRECTORY/.$id.unfinished
  install -d -m 0700 "$DIRECTORY" && rm -rf "$arriving"
  if [ -d "$DIRECTORY/$id" ] && verify_backup "$id"; then arriving=''; return; fi
  size=$(sed -nE "s/^\{\"id\": \"$id\".*\"bytes\": ([0-9]+).*/\1/p" <<<"$listed")
  if [ "$(free_in "$DIRECTORY")" -lt $((${size:-0} + 16000000)) ]; then
    why="not enough room in $DIRECTORY for $size bytes"
    return 1
  fi
  install -d -m 0700 "$arriving/$id"
  try_restic "$long" "$id could not be fetched" --no-cache --no-lock --quiet restore "$(snapshots_of "$id")" --target "$arriving/$id" || return
  why=$(DIRECTORY=$arriving verify_backup "$id")
}

lay_copy() {
  if [ -z "$arriving" ]; then echo "$id lies in $DIRECTORY already, and is whole"; return; fi
  chmod 700 "$arriving/$id"
  if [ -e "$DIRECTORY/$id" ]; then mv -T "$DIRECTORY/$id" "$arriving/damaged" || return; fi
  if ! mv -T "$arriving/$id" "$DIRECTORY/$id"; then why="it could not be moved to $DIRECTORY"; return 1; fi
  sync "$DIRECTORY"
  rmdir "$arriving" 2>/dev/null || true
  echo "fetched $id, and verified it"
}
