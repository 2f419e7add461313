# Functions: unpack a backup into a staging directory, and check it file by file before anything live is changed.
# Needs SCOPE (the kinds of state to restore: data config ssl database), TRIM (the text of trim.py); archive.sh, verify.sh
# and database.sh in front of it.
staging=$ROOT/.deployer/restoring

in_scope() { [[ " $SCOPE " == *" $1 "* ]]; }

parts_of() { case $1 in data) echo volumes ;; config | ssl) echo "$1" ;; esac; }

scope_parts() { local kind; for kind in $SCOPE; do parts_of "$kind"; done; }

# The items that a restore replaces, as lines of BASE NAME. The audit log belongs to this host and is never replaced.
swapped_items() { local part; for part in $(scope_parts); do items_of "$part" | grep -v '/audit\.jsonl$'; done; }

names_in_scope() { local part; for part in $(scope_parts); do names_of "$part"; done; }

# Filters a list of files (standard input): those below the names that are given.
below() {
  python3 -c 'import json, sys
names = sys.argv[1:]
for line in sys.stdin:
    path = json.loads(line)["path"]
    if any(path == name or path.startswith(name + "/") for name in names): sys.stdout.write(line)' "$@"
}

# A mount cannot be replaced by renaming.
refuse_mounts() {
  local base name
  while read -r base name; do
    if mountpoint -q "$base/$name" 2>/dev/null; then
      echo "$base/$name is a mount point and cannot be swapped: restore the other parts with --only, and this one by hand (docs/backups.md)"
      return 1
    fi
  done < <(swapped_items)
}

has_capacity() {
  local wanted free
  wanted=$(field "$1/manifest.json" unpacked)
  free=$(free_in "$ROOT")
  if [ "$free" -lt $((wanted + 16000000)) ]; then
    echo "not enough disk space below $ROOT to unpack the backup: $((wanted / 1000000 + 16)) MB are needed, $((free / 1000000)) MB are free"
    return 1
  fi
}

# Compares the unpacked files with the list of files: content, owners, modes, times, attributes.
matches_listing() {
  local output
  output=$(comm -3 <(listing_of "$1" | below $(names_in_scope) | sort) <(tree disk "$staging/new" $(names_in_scope) | sort) | head -n 3)
  if [ -n "$output" ]; then echo "the unpacked files differ from those that were backed up: $output"; return 1; fi
}

unpack_backup() {
  local backup=$DIRECTORY/$1 part output
  rm -rf "$staging"
  install -d -m 0700 "$staging" "$staging/new"
  has_capacity "$backup" || return
  for part in $(scope_parts); do
    output=$(decompress "$(file_of "$backup" "$part")" | tar -C "$staging/new" "${extract_options[@]}" -xf - 2>&1) ||
      { echo "unpacking $part failed: $(tail -n 3 <<<"$output")"; return 1; }
  done
  listing_of "$backup" | below $(names_in_scope) | python3 -c "$TRIM" "$staging/new" $(names_in_scope) && matches_listing "$backup" || return
  database_unpack "$backup" || return
  sync -f "$staging" # before the swap: after a power failure a renaming may be on the disk without the content
}

# Interrupted, it removes what it unpacked.
unpack_verified() {
  trap 'ignore_signals; rm -rf "$staging"; exit 143' TERM
  verify_backup "$1" && refuse_mounts && unpack_backup "$1"
}
