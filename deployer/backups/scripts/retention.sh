# Functions: the manifest of a backup, its publication, and the removal of old backups.
# Needs NAME, ROOT, DIRECTORY, KEEP_DAYS, KEEP_MIN, TOOL (version); archive.sh and database.sh; `report`, `work`,
# `messages`, `id`, `time`, `measured`, `pause_seconds` of the backup that is made; pipefail.

# Counts the files of each part and their bytes in the list of files: lines of PART FILES BYTES. Arguments: "PART NAME…".
counted() {
  python3 -c 'import json, sys
parts = [word.split() for word in sys.argv[1:]]
counts = {part[0]: [0, 0] for part in parts}
for entry in map(json.loads, sys.stdin):
    for part, *names in parts:
        if entry["type"] == "file" and any(entry["path"] == name or entry["path"].startswith(name + "/") for name in names):
            counts[part] = [counts[part][0] + 1, counts[part][1] + entry["size"]]
for part, (files, size) in counts.items(): print(part, files, size)' "$@" <"$work/files"
}

# FILE PART FILES UNPACKED
part_line() {
  printf '{"part": "%s", "file": "%s", "bytes": %s, "sha256": "%s", "files": %s, "unpacked": %s}' \
    "$2" "${1##*/}" "$(stat -c %s "$1")" "$(sed -n "s/  ${1##*/}\$//p" "$work/SHA256SUMS")" "$3" "$4"
}

# Writes all on one line: `deployer backups` prints it as it is.
write_manifest() {
  local part file files size lines='' total=0 bytes=0
  local counts named=()
  for part in $parts; do named+=("$part $(names_of "$part" | paste -sd ' ')"); done
  counts=$(counted "${named[@]}") || return
  (cd "$work" && sums "${id}"_*) >"$work/SHA256SUMS" || return
  for part in $parts database files; do
    file=$(find "$work" -name "${id}_$part.*")
    if [ -z "$file" ]; then continue; fi
    read -r files size < <(sed -n "s/^$part //p" <<<"$counts") || files=0 size=0
    lines+="${lines:+, }$(part_line "$file" "$part" "$files" "$size")"
    total=$((total + size))
    bytes=$((bytes + $(stat -c %s "$file")))
  done
  printf '{"format": 1, "id": "%s", "time": "%s", "host": "%s", "tool": "%s", "bytes": %s, "unpacked": %s, "measured": %s, "still": %s, "changed": %s, "release": %s, "rows": %s, "parts": [%s]}\n' \
    "$id" "$time" "$(hostname | tr -cd '[:alnum:].-')" "$TOOL" "$bytes" "$total" "$measured" "$pause_seconds" \
    "$(tr -cd '\0' <"$work/changed" | wc -c)" "$(release_line)" "$(database_rows)" "$lines" >"$work/manifest.json"
}

# Prints the current release as the log has it; a line that was cut off by a power failure does not count.
release_line() {
  grep -sE '"result": "(deployed|restored)"' "$ROOT/.deployer/releases.jsonl" | tail -n 1 |
    python3 -c 'import json, sys
try: print(json.dumps(json.loads(sys.stdin.read())), end="")
except ValueError: print("null", end="")'
}

# Gives the backup its name at once, after all of it was synced to the disk.
publish() {
  { cd "$work" && find . -maxdepth 1 -type f ! -name "${id}_*" ! -name manifest.json ! -name SHA256SUMS -delete &&
    sums manifest.json >>SHA256SUMS && chmod 600 -- * && sync -- * . && cd / &&
    mv -T "$work" "$DIRECTORY/$id" && sync "$DIRECTORY"; } 2>"$messages/other" ||
    { report "the backup could not be written to the disk: $(tail -n 1 "$messages/other")"; return 1; }
  local problem
  problem=$(problem_of "$id")
  if [ -n "$problem" ]; then report "the backup $id is incomplete: $problem; run deployer backup again"; return 1; fi
}

# Removes what is older than KEEP_DAYS, but for the latest KEEP_MIN complete ones, and at least the latest one. A directory
# with files that this script did not make is kept. It is hidden before it is removed, so that no half of one is seen.
forget_old() {
  local one catalogue kept limit foreign
  catalogue=$(list_backups)
  kept=$(complete_ids <<<"$catalogue" | tail -n $((KEEP_MIN > 1 ? KEEP_MIN : 1)))
  limit=$(date -u -d "$KEEP_DAYS days ago" +%Y%m%d_%H%M%S)
  for one in $(ids <<<"$catalogue" | grep -vxF "$kept"); do
    if [[ ${one#"${NAME}"_} > $limit ]]; then continue; fi
    foreign=$(find "$DIRECTORY/$one" -mindepth 1 ! '(' -type f '(' -name "${one}_*" -o -name manifest.json -o -name SHA256SUMS -o -name verified ')' ')' -printf '%P\n' -quit)
    if [ -n "$foreign" ]; then report "$one is older than $KEEP_DAYS days, but holds a file that is not part of it ($foreign): it is kept"; continue; fi
    mv -T "$DIRECTORY/$one" "$DIRECTORY/.$one.unfinished" && rm -rf "$DIRECTORY/.$one.unfinished" &&
      report "removed $one, which is older than $KEEP_DAYS days"
  done
}

# Removes the state that a restore has replaced, now that a backup holds the new one.
forget_former() {
  rm -rf "${ROOT:?}/.deployer/former"
  database_forget_former 2>"$messages/other" || report "the previous database could not be removed; the next backup tries again"
}
