# Functions: the manifest of a backup, its place on the shelf, and what leaves the shelf.
# Needs NAME, ROOT, DIRECTORY, KEEP_DAYS, KEEP_MIN, TOOL (version); archive.sh and database.sh; `say`, `work`, `words`, `id`,
# `time`, `measured`, `pause_seconds` of the backup that is made; pipefail.

# How many files each part has, and their bytes, of the list of files: lines of PART FILES BYTES. Words: "PART NAME…".
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

# All in one line, which is told as it is by `deployer backups`.
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

# The release that runs, as its log has it; a line that was torn by a loss of power is none.
release_line() {
  grep -sE '"result": "(deployed|restored)"' "$ROOT/.deployer/releases.jsonl" | tail -n 1 |
    python3 -c 'import json, sys
try: print(json.dumps(json.loads(sys.stdin.read())), end="")
except ValueError: print("null", end="")'
}

# Under its name from one moment to the next, with all of it on the disk.
publish() {
  { cd "$work" && find . -maxdepth 1 -type f ! -name "${id}_*" ! -name manifest.json ! -name SHA256SUMS -delete &&
    sums manifest.json >>SHA256SUMS && chmod 600 -- * && sync -- * . && cd / &&
    mv -T "$work" "$DIRECTORY/$id" && sync "$DIRECTORY"; } 2>"$words/other" ||
    { say "the backup could not be brought to the disk: $(tail -n 1 "$words/other")"; return 1; }
  local missing
  missing=$(missing_in "$id")
  if [ -n "$missing" ]; then say "the backup $id is not whole: $missing; make another"; return 1; fi
}

# What is older than KEEP_DAYS goes, but for the KEEP_MIN newest that are whole, and always the newest whole one. A
# directory that holds what this script did not make stays as it is. Out of sight first: half of one is never seen.
forget_old() {
  local one there kept limit foreign
  there=$(shelf)
  kept=$(whole <<<"$there" | tail -n $((KEEP_MIN > 1 ? KEEP_MIN : 1)))
  limit=$(date -u -d "$KEEP_DAYS days ago" +%Y%m%d_%H%M%S)
  for one in $(ids <<<"$there" | grep -vxF "$kept"); do
    if [[ ${one#"${NAME}"_} > $limit ]]; then continue; fi
    foreign=$(find "$DIRECTORY/$one" -mindepth 1 ! '(' -type f '(' -name "${one}_*" -o -name manifest.json -o -name SHA256SUMS -o -name verified ')' ')' -printf '%P\n' -quit)
    if [ -n "$foreign" ]; then say "$one is older than $KEEP_DAYS days, but holds what is not ours ($foreign): it stays"; continue; fi
    mv -T "$DIRECTORY/$one" "$DIRECTORY/.$one.unfinished" && rm -rf "$DIRECTORY/.$one.unfinished" &&
      say "removed $one, which is older than $KEEP_DAYS days"
  done
}

# The state that a restore has replaced is kept until a backup holds the new one.
forget_former() {
  rm -rf "${ROOT:?}/.deployer/former"
  database_forget_former 2>"$words/other" || say "the former database is still there; the next backup tries again"
}
