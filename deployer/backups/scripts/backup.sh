# Makes a backup: `backup`, run by cron and by `deployer backup`. All of it is of one instant, though the application goes
# on writing meanwhile:
#   data/, logs/  are read while it runs. Then its containers stand still for a moment (still.sh), in which what changed
#                 since the first look is set aside, and that goes into the archive too, behind its older state.
#   SQLite        a database that changed, or has a log or a journal beside it, is set aside with that in the same moment;
#                 SQLite makes one file of it afterwards, and has to call it sound. One that did not change is in the
#                 archive as it stood at rest, which is what it was in that moment.
#   PostgreSQL    its snapshot is exported in the same moment, and dumped afterwards.
#   config, ssl   change under the host's lock only, which this script has: read, compared, read again if they did change.
# What nobody can see is a change through a memory map that leaves no time behind; LMDB and the like need a hook of their own.
# Written beside, read back, renamed: a backup that can be seen is complete. `backup` is a shell of its own, and the same
# under the `set -e` of a job as under cron.
# Needs KEEP_DAYS, KEEP_MIN, TOOL (version); archive.sh, database.sh, still.sh and shelving.sh in front of it.
words=/run/deployer-$NAME.backup # on no disk that could be full
# What tar says of files that went or changed while it read: the second look has seen that as well.
moved=': Cannot (stat|open): (No such file or directory|Not a directory)$|: File removed before we read it$|: file changed as we read it$|Exiting with failure status'

say() { printf '%s\n' "$*"; }

# -- before ------------------------------------------------------------------------------------------------------------

clean_up() {
  find "$DIRECTORY" -mindepth 1 -maxdepth 1 -type d -name ".${NAME}_????????_??????.unfinished" -exec rm -rf {} +
  rm -rf "${ROOT:?}/$staged" "$words"
}

megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MB", bytes / 1e6 }'; }

# In bytes; a sparse file is as large as what it holds.
size_of() {
  local base name
  standing_items "$1" | while read -r base name; do find "$base/$name" -type f -printf '%s %b\n' 2>/dev/null; done |
    awk '{ held = $2 * 512; total += $1 < held ? $1 : held } END { printf "%.0f", total }'
}

measure() {
  local part
  for part in $parts; do size_of "$part"; echo; done | awk -v total="$(database_size)" '{ total += $1 } END { printf "%.0f", total }'
}

# As the last backup came out, and a quarter more; the first may not be compressible at all.
expected() {
  local last out='' of=''
  last=$DIRECTORY/$(whole_ones | tail -n 1)/manifest.json
  if [ -e "$last" ]; then out=$(field "$last" bytes); of=$(field "$last" measured); fi
  awk -v total="$1" -v out="${out:-1}" -v of="${of:-1}" 'BEGIN { printf "%.0f", (of > 1 && out < of ? total * out / of * 1.25 : total) + 16e6 }'
}

is_ready() {
  local free
  if [ ! -d "$ROOT/data" ]; then say "nothing to back up: $ROOT/data is missing"; return 1; fi
  database_answers || return
  if [ -z "$(find "$ROOT/data" "$ROOT/logs" -type f -print -quit 2>/dev/null)$(database_tables)" ]; then
    say "nothing to back up: no file below $ROOT/data and $ROOT/logs; does the application write to backend.data_dir?"
    return 1
  fi
  measured=$(measure)
  needed=$(expected "$measured")
  free=$(free_in "$1")
  if [ "$free" -lt "$needed" ]; then
    say "not enough room in $DIRECTORY: about $(megabytes "$needed") are needed, $(megabytes "$free") are free; make room, or set backup.keep_days lower"
    return 1
  fi
}

# What a backup would read and need, a line for each, without writing anything. Fails as a backup would.
foresee() {
  local near=$DIRECTORY part
  set +e
  until [ -d "$near" ]; do near=$(dirname "$near"); done
  for part in $parts; do say "$part: $(megabytes "$(size_of "$part")") in $(standing_items "$part" | cut -d' ' -f2- | paste -sd ' ')"; done
  is_ready "$near" || return
  say "about $(megabytes "$needed") are needed in $DIRECTORY, $(megabytes "$(free_in "$near")") are free"
}

# -- the archives ------------------------------------------------------------------------------------------------------

# Where a file ends early tar goes on with zeros: it was cut, then it is among what changed, or it could not be read.
only_moved() {
  local line name
  while IFS= read -r line; do
    if [[ ! $line =~ ^tar:\ (.*):\ File\ shrank\ by\ .*zeros$ ]]; then return 1; fi
    printf -v name '%b' "${BASH_REMATCH[1]}"
    if [ -e "$ROOT/$name" ] && ! LC_ALL=C grep -zqxF -e "$name" "$work/changed"; then return 1; fi
  done < <(grep -vE "$moved" "$words/tar")
}

not_archived() {
  say "$1 could not be read or written as it stood:"
  cat "$words/tree" "$words/tar" "$words/compress" | grep -vE "$moved" | tail -n 5 | sed 's/^/  | /'
}

# The archive on standard input: listed and held against what stood there on its way, and written.
written() {
  tree passing "$work/standing" $(names_of "$1") 3>"$work/listed" 2>"$words/tree" | compress >"$2" 2>"$words/compress" &&
    cat "$work/listed" >>"$work/files"
}

# tar is told the names by a pipe, and tells on another which it has begun.
start_archive() {
  coproc ARCHIVE {
    { {
      tar -C "$ROOT" "${packed[@]}" --no-recursion --null -T - -v --index-file=/dev/fd/3 \
        --transform="flags=rhS;s|^$staged/||" -cf - 2>"$words/tar" || { [ $? -le 2 ] && only_moved; }
    } | written volumes "$1"; } 3>&1
  }
  exec {to}>&"${ARCHIVE[1]}" {from}<&"${ARCHIVE[0]}" # a coprocess's own are not for subshells
  eval "exec ${ARCHIVE[1]}>&- ${ARCHIVE[0]}<&-"
}

# data/ itself is named last: when tar has begun it, it has read all before it.
feed() {
  paths_in "$work/before" | grep -azvxF data || true
  printf 'data\0'
}

# Index lines have a reader all the time: tar would wait for one, and we for tar.
archive_volumes() {
  local to from tar_pid code=0
  look
  start_archive "$1"
  tar_pid=$ARCHIVE_PID
  feed 2>/dev/null 1>&"$to" &
  grep -m 1 -xF data/ <&"$from" >/dev/null || code=1
  cat <&"$from" >/dev/null &
  if [ "$code" = 0 ]; then hold_still && fold_databases || code=2; fi
  if [ "$code" = 0 ]; then sed -z "s|^|$staged/|" "$work/changed" 2>/dev/null 1>&"$to"; fi
  exec {to}>&- {from}<&-
  wait "$tar_pid" || code=$((code ? code : 1))
  if [ "$code" = 1 ]; then not_archived "data/ and logs/"; fi
  return "$code"
}

archive_part() {
  local base name names=()
  scan "$1" >"$work/standing" 2>"$words/tar" || return
  while read -r base name; do names+=(-C "$base" "$name"); done < <(standing_items "$1")
  tar "${packed[@]}" -cf - "${names[@]}" 2>"$words/tar" | written "$1" "$2"
}

# What lies on the disk now, against the checksum that zstd or gzip has put into it of what it was given.
read_back() {
  local said
  said=$(intact "$1" 2>&1) || { say "${1##*/} is not what was written: $(tail -n 1 <<<"$said")"; return 1; }
}

# Read again where somebody changed it meanwhile.
make_part() {
  for _ in 1 2 3; do
    if archive_part "$1" "$2"; then read_back "$2"; return; fi
  done
  not_archived "the part $1"
  return 1
}

make_smaller_parts() {
  local part list
  for part in config ssl; do make_part "$part" "$work/${id}_$part.tar.$(suffix)" || return; done
  database_dump "$work/${id}_database.dump" || return
  list=$work/${id}_files.jsonl.$(suffix)
  compress <"$work/files" >"$list" 2>"$words/compress" ||
    { say "the list of files could not be written: $(tail -n 1 "$words/compress")"; return 1; }
  read_back "$list"
}

# The largest is read back while the others are made; whoever kills this one finds the lock free.
make_parts() {
  local volumes reading code=0
  volumes=$work/${id}_volumes.tar.$(suffix)
  archive_volumes "$volumes" || return
  read_back "$volumes" 9>&- &
  reading=$!
  make_smaller_parts && write_manifest || code=1
  wait "$reading" || code=1
  return "$code"
}

# -- the road ----------------------------------------------------------------------------------------------------------

# One of this second may be there.
begin() {
  until [ -n "$id" ] && [ ! -e "$DIRECTORY/$id" ]; do
    if [ -n "$id" ]; then sleep 1; fi
    time=$(date -u +%FT%TZ)
    id=${NAME}_$(date -u -d "$time" +%Y%m%d_%H%M%S)
  done
  work=$DIRECTORY/.$id.unfinished
  mkdir "$work"
}

made() {
  local bytes unpacked
  read -r bytes unpacked < <(sed -E 's/^.*"bytes": ([0-9]+), "unpacked": ([0-9]+), "measured".*/\1 \2/' "$DIRECTORY/$id/manifest.json")
  say "backup $id: $(megabytes "$bytes") of $(megabytes "$unpacked"), $(awk -v a="$EPOCHREALTIME" -v b="$1" 'BEGIN { printf "%.1f", a - b }') s"
}

backup() (
  began=$EPOCHREALTIME id=''
  set +e -o pipefail
  umask 077
  renice -n 10 -p "$BASHPID" >/dev/null 2>&1
  trap 'deaf; unpause; clean_up' EXIT
  trap 'exit 143' HUP INT PIPE TERM
  install -d -m 0700 "$DIRECTORY" || { say "$DIRECTORY cannot be made"; exit 1; }
  clean_up
  mkdir -p "$words"
  is_ready "$DIRECTORY" && begin && make_parts && publish || exit 1
  made "$began"
  forget_old
  forget_former
)
