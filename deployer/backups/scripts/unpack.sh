# Functions: a backup unpacked beside what serves, and checked file by file before anything of the host is touched.
# Needs SCOPE (the kinds of state that are meant: data config ssl database), TRIM (the text of trim.py); archive.sh and
# database.sh in front of it.
beside=$ROOT/.deployer/restoring

in_scope() { [[ " $SCOPE " == *" $1 "* ]]; }

parts_of() { case $1 in data) echo volumes ;; config | ssl) echo "$1" ;; esac; }

scope_parts() { local kind; for kind in $SCOPE; do parts_of "$kind"; done; }

# What is put in place of a part, as lines of BASE NAME. The audit log is this host's own: it only ever grows.
swapped_items() { local part; for part in $(scope_parts); do items_of "$part" | grep -v '/audit\.jsonl$'; done; }

names_in_scope() { local part; for part in $(scope_parts); do names_of "$part"; done; }

# Of the list of a backup's files ($1) what lies below these names.
below() {
  python3 -c 'import json, sys
names = sys.argv[1:]
for line in sys.stdin:
    path = json.loads(line)["path"]
    if any(path == name or path.startswith(name + "/") for name in names): sys.stdout.write(line)' "$@"
}

# A renaming cannot take the place of a mount.
refuse_mounts() {
  local base name
  while read -r base name; do
    if mountpoint -q "$base/$name" 2>/dev/null; then
      echo "$base/$name is a mount of its own, and cannot be swapped by renaming: restore with --only the other parts, and this one by hand (docs/backups.md)"
      return 1
    fi
  done < <(swapped_items)
}

has_room() {
  local wanted free
  wanted=$(field "$1/manifest.json" unpacked)
  free=$(free_in "$ROOT")
  if [ "$free" -lt $((wanted + 16000000)) ]; then
    echo "not enough room below $ROOT to unpack beside what serves: $((wanted / 1000000 + 16)) MB are needed, $((free / 1000000)) MB are free"
    return 1
  fi
}

# Byte for byte what the list of files says: owners, modes, times, attributes.
as_listed() {
  local said
  said=$(comm -3 <(listing_of "$1" | below $(names_in_scope) | sort) <(tree disk "$beside/new" $(names_in_scope) | sort) | head -n 3)
  if [ -n "$said" ]; then echo "what was unpacked is not what was backed up: $said"; return 1; fi
}

unpack_backup() {
  local backup=$DIRECTORY/$1 part said
  rm -rf "$beside"
  install -d -m 0700 "$beside" "$beside/new"
  has_room "$backup" || return
  for part in $(scope_parts); do
    said=$(decompress "$(file_of "$backup" "$part")" | tar -C "$beside/new" "${unpacked[@]}" -xf - 2>&1) ||
      { echo "unpacking $part failed: $(tail -n 3 <<<"$said")"; return 1; }
  done
  listing_of "$backup" | below $(names_in_scope) | python3 -c "$TRIM" "$beside/new" $(names_in_scope) && as_listed "$backup" || return
  database_unpack "$backup" || return
  sync -f "$beside" # before anything is swapped: a renaming may outlive a power cut that the content does not
}

# Broken off, nothing of it stays.
unpack_verified() {
  trap 'deaf; rm -rf "$beside"; exit 143' TERM
  verify_backup "$1" && refuse_mounts && unpack_backup "$1"
}
