# Makes a backup: `backup`, run by cron and by `deployer backup`. All of it is of one instant, though the application
# writes meanwhile:
#   data/, logs/  are read while it runs. Then its containers are paused for a moment (freeze.sh), in which the files that
#                 changed since the first scan are set aside; they go into the archive too, after their older state.
#   SQLite        a database that changed, or has a log or a journal, is set aside with that in the same moment. SQLite
#                 makes one file of it afterwards and checks it. A database that did not change was at rest, and is in
#                 the archive as it was in that moment.
#   PostgreSQL    its snapshot is exported in the same moment, and dumped afterwards.
#   config, ssl   change under the host's lock only, which this script has: read, compared, repeated if they did change.
# A change through a memory map that leaves the file's time alone is not noticed; LMDB and the like need a hook.
# A backup is written to a hidden directory, verified and renamed: one that can be seen is complete. `backup` runs in a
# subshell, which behaves the same under the `set -e` of a job as under cron.
# Needs KEEP_DAYS, KEEP_MIN, TOOL (version); archive.sh, verify.sh, database.sh, freeze.sh and retention.sh before it.
messages=/run/deployer-$NAME.backup # in memory: a disk may be full
# What tar prints for files that were removed or changed while it read: the second scan has noticed these as well.
expected_errors=': Cannot (stat|open): (No such file or directory|Not a directory)$|: File removed before we read it$|: file changed as we read it$|Exiting with failure status'

report() { printf '%s\n' "$*"; }

# -- before ------------------------------------------------------------------------------------------------------------

clean_up() {
  find "$DIRECTORY" -mindepth 1 -maxdepth 1 -type d -name ".${NAME}_????????_??????.unfinished" -exec rm -rf {} +
  rm -rf "${ROOT:?}/$staged" "$messages"
}

megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MB", bytes / 1e6 }'; }

# In bytes; of a sparse file only the blocks that it holds count.
size_of() {
  local base name
  existing_items "$1" | while read -r base name; do find "$base/$name" -type f -printf '%s %b\n' 2>/dev/null; done |
    awk '{ held = $2 * 512; total += $1 < held ? $1 : held } END { printf "%.0f", total }'
}

measure() {
  local part
  for part in $parts; do size_of "$part"; echo; done | awk -v total="$(database_size)" '{ total += $1 } END { printf "%.0f", total }'
}

# Estimates the size by the compression of the last backup, and a quarter more; the first may not be compressible.
expected_size() {
  local last out='' of=''
  last=$DIRECTORY/$(complete_backups | tail -n 1)/manifest.json
  if [ -e "$last" ]; then out=$(field "$last" bytes); of=$(field "$last" measured); fi
  awk -v total="$1" -v out="${out:-1}" -v of="${of:-1}" 'BEGIN { printf "%.0f", (of > 1 && out < of ? total * out / of * 1.25 : total) + 16e6 }'
}

is_ready() {
  local free
  if [ ! -d "$ROOT/data" ]; then report "nothing to back up: $ROOT/data is missing"; return 1; fi
  database_answers || return
  if [ -z "$(find "$ROOT/data" "$ROOT/logs" -type f -print -quit 2>/dev/null)$(database_tables)" ]; then
    report "nothing to back up: no file below $ROOT/data and $ROOT/logs; does the application write to backend.data_dir?"
    return 1
  fi
  measured=$(measure)
  needed=$(expected_size "$measured")
  free=$(free_in "$1")
  if [ "$free" -lt "$needed" ]; then
    report "not enough disk space in $DIRECTORY: about $(megabytes "$needed") are needed, $(megabytes "$free") are free; free some, or lower backup.keep_days"
    return 1
  fi
}

# Prints what a backup would read and need, a line for each, without writing anything. Fails as a backup would.
estimate() {
  local existing=$DIRECTORY part
  set +e
  until [ -d "$existing" ]; do existing=$(dirname "$existing"); done
  for part in $parts; do report "$part: $(megabytes "$(size_of "$part")") in $(existing_items "$part" | cut -d' ' -f2- | paste -sd ' ')"; done
  is_ready "$existing" || return
  report "about $(megabytes "$needed") are needed in $DIRECTORY, $(megabytes "$(free_in "$existing")") are free"
}

# -- the archives ------------------------------------------------------------------------------------------------------

# Where a file ends early tar fills it up with zeros: it was truncated, then it is among the changed files, or it could not
# be read.
only_expected() {
  local line name
  while IFS= read -r line; do
    if [[ ! $line =~ ^tar:\ (.*):\ File\ shrank\ by\ .*zeros$ ]]; then return 1; fi
    printf -v name '%b' "${BASH_REMATCH[1]}"
    if [ -e "$ROOT/$name" ] && ! LC_ALL=C grep -zqxF -e "$name" "$work/changed"; then return 1; fi
  done < <(grep -vE "$expected_errors" "$messages/tar")
}

report_unreadable() {
  report "$1 could not be read or written without an error:"
  cat "$messages/tree" "$messages/tar" "$messages/compress" | grep -vE "$expected_errors" | tail -n 5 | sed 's/^/  | /'
}

# Lists the archive on standard input, compares it with the scan, and writes it.
write_archive() {
  tree passing "$work/listing" $(names_of "$1") 3>"$work/listed" 2>"$messages/tree" | compress >"$2" 2>"$messages/compress" &&
    cat "$work/listed" >>"$work/files"
}

# tar reads the names from one pipe, and prints on another which it has begun.
start_archive() {
  coproc ARCHIVE {
    { {
      tar -C "$ROOT" "${create_options[@]}" --no-recursion --null -T - -v --index-file=/dev/fd/3 \
        --transform="flags=rhS;s|^$staged/||" -cf - 2>"$messages/tar" || { [ $? -le 2 ] && only_expected; }
    } | write_archive volumes "$1"; } 3>&1
  }
  exec {to}>&"${ARCHIVE[1]}" {from}<&"${ARCHIVE[0]}" # a subshell cannot use a coprocess's own
  eval "exec ${ARCHIVE[1]}>&- ${ARCHIVE[0]}<&-"
}

# data/ itself comes last: once tar has begun it, it has read all names before it.
feed_names() {
  paths_in "$work/before" | grep -azvxF data || true
  printf 'data\0'
}

# The index lines are always read: otherwise tar would wait for its reader, and this script for tar.
archive_volumes() {
  local to from tar_pid code=0
  scan_running
  start_archive "$1"
  tar_pid=$ARCHIVE_PID
  feed_names 2>/dev/null 1>&"$to" &
  grep -m 1 -xF data/ <&"$from" >/dev/null || code=1
  cat <&"$from" >/dev/null &
  if [ "$code" = 0 ]; then freeze && consolidate_databases || code=2; fi
  if [ "$code" = 0 ]; then sed -z "s|^|$staged/|" "$work/changed" 2>/dev/null 1>&"$to"; fi
  exec {to}>&- {from}<&-
  wait "$tar_pid" || code=$((code ? code : 1))
  if [ "$code" = 1 ]; then report_unreadable "data/ and logs/"; fi
  return "$code"
}

archive_part() {
  local base name names=()
  scan "$1" >"$work/listing" 2>"$messages/tar" || return
  while read -r base name; do names+=(-C "$base" "$name"); done < <(existing_items "$1")
  tar "${create_options[@]}" -cf - "${names[@]}" 2>"$messages/tar" | write_archive "$1" "$2"
}

# Checks the file on the disk against the checksum that zstd or gzip has put into it.
verify_part() {
  local output
  output=$(intact "$1" 2>&1) || { report "${1##*/} is not what was written: $(tail -n 1 <<<"$output")"; return 1; }
}

# Repeats what was changed meanwhile.
make_part() {
  for _ in 1 2 3; do
    if archive_part "$1" "$2"; then verify_part "$2"; return; fi
  done
  report_unreadable "the part $1"
  return 1
}

make_smaller_parts() {
  local part list
  for part in config ssl; do make_part "$part" "$work/${id}_$part.tar.$(suffix)" || return; done
  database_dump "$work/${id}_database.dump" || return
  list=$work/${id}_files.jsonl.$(suffix)
  compress <"$work/files" >"$list" 2>"$messages/compress" ||
    { report "the list of files could not be written: $(tail -n 1 "$messages/compress")"; return 1; }
  verify_part "$list"
}

# Checks the largest while the others are made. That process does not inherit the lock: it may outlive this script.
make_parts() {
  local volumes reading code=0
  volumes=$work/${id}_volumes.tar.$(suffix)
  archive_volumes "$volumes" || return
  verify_part "$volumes" 9>&- &
  reading=$!
  make_smaller_parts && write_manifest || code=1
  wait "$reading" || code=1
  return "$code"
}

# -- the procedure -----------------------------------------------------------------------------------------------------

# A backup of the same second may exist.
begin() {
  until [ -n "$id" ] && [ ! -e "$DIRECTORY/$id" ]; do
    if [ -n "$id" ]; then sleep 1; fi
    time=$(date -u +%FT%TZ)
    id=${NAME}_$(date -u -d "$time" +%Y%m%d_%H%M%S)
  done
  work=$DIRECTORY/.$id.unfinished
  mkdir "$work"
}

report_made() {
  local bytes unpacked
  read -r bytes unpacked < <(sed -E 's/^.*"bytes": ([0-9]+), "unpacked": ([0-9]+), "measured".*/\1 \2/' "$DIRECTORY/$id/manifest.json")
  report "backup $id: $(megabytes "$bytes") of $(megabytes "$unpacked"), $(awk -v a="$EPOCHREALTIME" -v b="$1" 'BEGIN { printf "%.1f", a - b }') s"
}

backup() (
  began=$EPOCHREALTIME id=''
  set +e -o pipefail
  umask 077
  renice -n 10 -p "$BASHPID" >/dev/null 2>&1
  trap 'ignore_signals; unpause; clean_up' EXIT
  trap 'exit 143' HUP INT PIPE TERM
  install -d -m 0700 "$DIRECTORY" || { report "$DIRECTORY cannot be made"; exit 1; }
  clean_up
  mkdir -p "$messages"
  is_ready "$DIRECTORY" && begin && make_parts && publish || exit 1
  report_made "$began"
  remove_old
  remove_previous_state
)
