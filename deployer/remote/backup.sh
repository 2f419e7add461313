# Makes a backup: `backup`, run by cron and by `deployer backup`. The application goes on writing meanwhile: data/ and
# logs/ are read while it runs; then its containers stand still for a moment, in which what changed since is set aside
# (and the database's snapshot is taken), and that goes into the archive as well, behind its older state. So all of it is
# of one instant. Written beside, read back, renamed: a backup that can be seen is complete.
# Needs KEEP_DAYS, KEEP_MIN, TOOL (version); archive.sh, database.sh and locked.sh in front of it.
staged=.deployer/staged # below ROOT, so that setting aside needs no other disk
still=30                # seconds that the containers stand still at most

say() { printf '%s\n' "$*"; }

backends() { docker ps -q --filter "status=$1" --filter "label=com.docker.compose.project=$NAME" --filter label=com.docker.compose.service=backend-api; }

# -- before ------------------------------------------------------------------------------------------------------------

unfinished() { find "$DIRECTORY" -mindepth 1 -maxdepth 1 -type d -regextype posix-extended -regex "$DIRECTORY/\.${NAME}_[0-9]{8}_[0-9]{6}\.unfinished"; }

clean_up() {
  unfinished | xargs -r rm -rf --
  rm -rf "${ROOT:?}/$staged"
}

size_of() { local base name; standing_items "$1" | while read -r base name; do du -s --apparent-size -B1 "$base/$name"; done | awk '{ total += $1 } END { printf "%.0f", total }'; }

# As the last backup came out, and a quarter more; the first may not be compressible at all.
expected() {
  local last size total=0 part
  for part in $parts; do total=$((total + $(size_of "$part"))); done
  total=$((total + $(database_size)))
  last=$(whole_ones | tail -n 1)
  if [ -n "$last" ]; then
    size=$(field "$DIRECTORY/$last/manifest.json" unpacked)
    if [ "${size:-0}" -gt 0 ]; then
      awk -v total="$total" -v out="$(field "$DIRECTORY/$last/manifest.json" bytes)" -v size="$size" 'BEGIN { printf "%.0f", total * out / size * 1.25 + 16e6 }'
      return
    fi
  fi
  echo $((total + 16000000))
}

megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MB", bytes / 1e6 }'; }

is_ready() {
  local free wanted
  if [ ! -d "$ROOT/data" ]; then say "nothing to back up: $ROOT/data is missing"; return 1; fi
  if [ -z "$(find "$ROOT/data" "$ROOT/logs" -type f -print -quit 2>/dev/null)$(database_tables)" ]; then
    say "nothing to back up: no file below $ROOT/data and $ROOT/logs; does the application write to backend.data_dir?"
    return 1
  fi
  free=$(df --output=avail -B1 "$DIRECTORY" | tail -n 1)
  wanted=$(expected)
  if [ "$free" -lt "$wanted" ]; then
    say "not enough room in $DIRECTORY: about $(megabytes "$wanted") are needed, $(megabytes "$free") are free; make room, or set backup.keep_days lower"
    return 1
  fi
}

# -- the instant -------------------------------------------------------------------------------------------------------

# Should this script die while they stand still, a timer lets them go on; without that timer nothing is paused.
pause() {
  paused=$(backends running | paste -sd ' ')
  if [ -z "$paused" ]; then return; fi
  systemctl stop "$NAME-backup-unpause.timer" 2>/dev/null || true
  systemd-run --quiet --collect --unit="$NAME-backup-unpause" --on-active="$still" --timer-property=AccuracySec=1s docker unpause $paused || return
  docker pause $paused >/dev/null || { unpause; return 1; }
}

unpause() {
  local ids
  ids=$(backends paused)
  if [ -n "$ids" ]; then docker unpause $ids >/dev/null || true; fi
  systemctl stop "$NAME-backup-unpause.timer" 2>/dev/null || true
}

changed_since() { comm -z -13 "$1" "$2" | sed -zE 's/^([^ ]+ ){8}//'; }

set_aside() {
  mkdir -p "$ROOT/$staged" &&
    tar -C "$ROOT" "${packed[@]}" --no-recursion --null -T "$1" -cf - | tar -C "$ROOT/$staged" "${unpacked[@]}" -xf -
}

# Everything since the first look, and the database as it is now. The containers are still when it is scanned.
hold_still() {
  local began=$EPOCHREALTIME code=0
  pause || { say "the application's containers could not be paused"; return 1; }
  { scan volumes >"$work/standing" && changed_since "$work/before" "$work/standing" >"$work/changed" &&
    timeout $((still - 5)) bash -euo pipefail -c "$(declare -f set_aside); $(declare -p packed unpacked ROOT staged); set_aside $work/changed" &&
    database_snapshot; } || code=1
  unpause
  pause_seconds=$(awk -v a="$EPOCHREALTIME" -v b="$began" 'BEGIN { printf "%.3f", a - b }')
  if [ "$code" != 0 ]; then say "what changed could not be set aside within $((still - 5)) s"; return 1; fi
  if [ -n "$paused" ]; then say "the application stood still for $pause_seconds s"; fi
}

# -- the archives ------------------------------------------------------------------------------------------------------

# tar is told the names by a pipe and tells on another which it has begun: when data/, named last, is there, it has read
# all before it. Exit code 1 of tar: a file changed or went while it was read; the scan has seen that as well.
archive_volumes() {
  local file=$1 to from tar_pid code=0
  : >"$work/errors"
  scan volumes >"$work/before" 2>/dev/null
  coproc ARCHIVE {
    set -o pipefail
    { {
      tar -C "$ROOT" "${packed[@]}" --no-recursion --null -T - -v --index-file=/dev/fd/3 \
        --transform="flags=rhS;s|^$staged/||" -cf - 2>"$work/errors" || [ $? = 1 ]
    } | compress >"$file"; } 3>&1
  }
  exec {to}>&"${ARCHIVE[1]}" {from}<&"${ARCHIVE[0]}" # a coprocess's own are not for subshells
  eval "exec ${ARCHIVE[1]}>&- ${ARCHIVE[0]}<&-"
  tar_pid=$ARCHIVE_PID
  feed "$work/before" 2>/dev/null 1>&"$to" &
  grep -m 1 -xF data/ <&"$from" >/dev/null || code=1
  if [ "$code" = 0 ]; then hold_still || code=2; fi
  if [ "$code" = 0 ]; then sed -z "s|^|$staged/|" "$work/changed" 1>&"$to"; fi
  exec {to}>&-
  cat <&"$from" >/dev/null || true
  exec {from}<&-
  wait "$tar_pid" || code=$((code ? code : 1))
  if [ "$code" = 1 ]; then say "data/ and logs/ could not be read or written:"; tail -n 5 "$work/errors" | sed 's/^/  | /'; fi
  return "$code"
}

feed() {
  paths_in "$1" | grep -azvxF data || true
  printf 'data\0'
}

archive_part() {
  local base name words=()
  scan "$1" >"$work/standing.$1" || return
  while read -r base name; do words+=(-C "$base" "$name"); done < <(standing_items "$1")
  tar "${packed[@]}" -cf - "${words[@]}" 2>"$work/errors" | compress >"$2" ||
    { say "the part $1 could not be read or written:"; tail -n 5 "$work/errors" | sed 's/^/  | /'; return 1; }
}

# Read back: the archive holds all that stood there, as it stood.
proved() {
  decompress "$2" | tree archive "$3" $(names_of "$1") >>"$work/files" 2>"$work/errors" ||
    { say "what was written cannot be read back: $(tail -n 1 "$work/errors")"; return 1; }
}

make_parts() {
  local end
  end=tar.$(suffix)
  archive_volumes "$work/${id}_volumes.$end" || return
  archive_part config "$work/${id}_config.$end" && archive_part ssl "$work/${id}_ssl.$end" || return
  proved volumes "$work/${id}_volumes.$end" "$work/standing" &&
    proved config "$work/${id}_config.$end" "$work/standing.config" &&
    proved ssl "$work/${id}_ssl.$end" "$work/standing.ssl" || return
  database_dump "$work/${id}_database.dump" || return
  compress <"$work/files" >"$work/${id}_files.jsonl.$(suffix)"
}

# -- the manifest ------------------------------------------------------------------------------------------------------

# How many files a part has, and their bytes: of the list of files.
counted() {
  python3 -c 'import json, sys
names, files, size = sys.argv[1:], 0, 0
for line in sys.stdin:
    entry = json.loads(line)
    if entry["type"] == "file" and any(entry["path"] == name or entry["path"].startswith(name + "/") for name in names):
        files, size = files + 1, size + entry["size"]
print(files, size)' $(names_of "$1") <"$work/files"
}

part_line() {
  local file=$1 part=$2 files=0 size=0
  if [ "$part" != files ] && [ "$part" != database ]; then read -r files size < <(counted "$part"); fi
  unpacked_total=$((unpacked_total + size))
  printf '{"part": "%s", "file": "%s", "bytes": %s, "sha256": "%s", "files": %s, "unpacked": %s}' \
    "$part" "${file##*/}" "$(stat -c %s "$file")" "$(sha256sum <"$file" | cut -d' ' -f1)" "$files" "$size"
}

# All in one line, which is told as it is by `deployer backups`.
write_manifest() {
  local part file lines='' unpacked_total=0 bytes=0
  for part in $parts database files; do
    file=$(find "$work" -name "${id}_$part.*")
    if [ -z "$file" ]; then continue; fi
    part_line "$file" "$part" >"$work/line"
    lines+="${lines:+, }$(cat "$work/line")"
    bytes=$((bytes + $(stat -c %s "$file")))
  done
  printf '{"format": 1, "id": "%s", "time": "%s", "host": "%s", "tool": "%s", "bytes": %s, "unpacked": %s, "still": %s, "changed": %s, "release": %s, "rows": %s, "parts": [%s]}\n' \
    "$id" "$time" "$(hostname | tr -cd '[:alnum:].-')" "$TOOL" "$bytes" "$unpacked_total" "$pause_seconds" "$(tr -cd '\0' <"$work/changed" | wc -c)" \
    "$(release_line)" "$(database_rows)" "$lines" >"$work/manifest.json"
}

release_line() {
  local line
  line=$(grep -E '"result": "(deployed|restored)"' "$ROOT/.deployer/releases.jsonl" 2>/dev/null | tail -n 1)
  printf '%s' "${line:-null}"
}

# Under its name from one moment to the next, with all of it on the disk.
publish() {
  (cd "$work" && find . -maxdepth 1 -type f ! -name "${id}_*" ! -name manifest.json -delete &&
    rm -f names index && sha256sum "${id}"_* manifest.json >SHA256SUMS && chmod 600 -- * && sync -- * .) &&
    mv -T "$work" "$DIRECTORY/$id" && sync "$DIRECTORY"
}

# -- the road ----------------------------------------------------------------------------------------------------------

# What is older than KEEP_DAYS goes, but for the KEEP_MIN newest that are whole, and always the newest whole one. Only what this
# script made, file by file: a directory that holds anything else stays.
forget_old() {
  local id kept limit
  kept=$(whole_ones | tail -n $((KEEP_MIN > 1 ? KEEP_MIN : 1)))
  limit=$(date -u -d "$KEEP_DAYS days ago" +%Y%m%d_%H%M%S)
  for id in $(shelf | ids | grep -vxF "$kept" || true); do
    if [[ ${id#"${NAME}"_} > $limit ]]; then continue; fi
    find "$DIRECTORY/$id" -maxdepth 1 -type f '(' -name "${id}_*" -o -name manifest.json -o -name SHA256SUMS -o -name verified ')' -delete
    if rmdir "$DIRECTORY/$id" 2>/dev/null; then say "removed $id, which is older than $KEEP_DAYS days"
    else say "$id is old, but holds what is not ours: it stays"; fi
  done
}

# The state that a restore has replaced is kept until a backup holds the new one.
forget_former() { rm -rf "${ROOT:?}/.deployer/former"; database_forget_former; }

backup() {
  local began=$EPOCHREALTIME time work id='' paused='' pause_seconds=0
  umask 077
  renice -n 10 -p $$ >/dev/null 2>&1 || true
  trap 'unpause; clean_up' EXIT
  trap 'exit 143' TERM
  install -d -m 0700 "$DIRECTORY"
  clean_up
  is_ready || return
  until [ -n "$id" ] && [ ! -e "$DIRECTORY/$id" ]; do
    if [ -n "$id" ]; then sleep 1; fi # one of this second is there
    time=$(date -u +%FT%TZ)
    id=${NAME}_$(date -u -d "$time" +%Y%m%d_%H%M%S)
  done
  work=$DIRECTORY/.$id.unfinished
  mkdir "$work"
  make_parts && write_manifest && publish || return
  say "backup $id: $(megabytes "$(field "$DIRECTORY/$id/manifest.json" bytes)") of $(megabytes "$(field "$DIRECTORY/$id/manifest.json" unpacked)"), $(awk -v a="$EPOCHREALTIME" -v b="$began" 'BEGIN { printf "%.1f", a - b }') s"
  forget_old
  forget_former
}
