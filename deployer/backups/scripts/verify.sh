# Functions: is a backup what was written? Needs archive.sh in front of it.

# Lists what the archives of a backup hold, as tree.py prints it. Fails where unpacking one could do harm.
archive_contents() {
  local part
  for part in $parts; do
    decompress "$(file_of "$1" "$part")" | tree archive $(names_of "$part") || { echo "${1##*/}_$part cannot be unpacked" >&2; return 1; }
  done
}

# Prints how the archives differ from the list of files, or why one could not be read. An empty list lists nothing.
differences_in() {
  local scratch=$2 code=0
  archive_contents "$1" >"$scratch/archived" 2>"$scratch/errors" || code=1
  if [ "$code" != 0 ]; then tail -n 2 "$scratch/errors" | paste -sd ' '; return; fi
  listing_of "$1" >"$scratch/listed" 2>"$scratch/errors" || { echo "the list of its files cannot be read: $(tail -n 1 "$scratch/errors")"; return; }
  LC_ALL=C comm -13 <(LC_ALL=C sort "$scratch/archived") <(LC_ALL=C sort "$scratch/listed") | head -n 3 |
    sed -E 's/^\{"path": ("([^"\\]|\\.)*").*/\1 is not as in its list of files/' | paste -sd ';'
}

# Prints the files of a backup whose checksum is not that of SHA256SUMS, and fails, where there is one.
changed_files() {
  local differing
  differing=$(cd "$1" && mapfile -t summed < <(sed 's/^.*  //' SHA256SUMS) && sums "${summed[@]}" 2>&1 | diff SHA256SUMS -) && return
  sed -n 's/^[<>] .*  //p' <<<"$differing" | sort -u | paste -sd ' '
  return 1
}

# Ignore signals during clean-up and rollback, in children too: systemd and timeout(1) may signal every process of a job,
# some twice. The reader of the output may be gone as well.
ignore_signals() { trap '' HUP INT PIPE TERM; }

# Reads all of a backup: each file against its checksum, each archive against the list of files. Writes only the time of
# a successful verification. It runs in a subshell, whose scratch directory is removed however it ends.
verify_backup() (
  set +e
  backup=$DIRECTORY/$1
  if [ ! -d "$backup" ]; then echo "$1 does not exist any more"; exit 1; fi
  problem=$(problem_of "$1")
  if [ -n "$problem" ]; then echo "$1 is incomplete: $problem"; exit 1; fi
  problem=$(changed_files "$backup") || { echo "$1 is damaged: $problem is not what was written"; exit 1; }
  trap 'exit 143' HUP INT PIPE TERM
  scratch=$(mktemp -d "/var/tmp/deployer-$NAME.XXXXXX") || exit 1
  trap 'ignore_signals; rm -rf "$scratch"' EXIT
  problem=$(differences_in "$backup" "$scratch")
  if [ -n "$problem" ]; then echo "$1 is damaged: $problem"; exit 1; fi
  umask 077
  date -u +%FT%TZ >"$scratch/verified" && cp "$scratch/verified" "$backup/verified"
)
