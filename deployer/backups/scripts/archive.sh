# Functions: what a backup holds, and how one is read. A backup is a directory $DIRECTORY/NAME_YYYYmmdd_HHMMSS (UTC) with
# the guide's parts (NAME_…_volumes.tar.zst, _config, _ssl, and _database.dump), NAME_…_files.jsonl.zst (every file of
# the parts with its digest, as tree.py tells it), manifest.json, and SHA256SUMS over all of them.
# Needs NAME, ROOT, DIRECTORY, DOMAIN, TREE and SHELF (the texts of tree.py and shelf.py).
export LC_ALL=C.UTF-8
parts='volumes config ssl'
# shellcheck disable=SC2034,SC2054 # used by what stands behind this; tar wants commas
packed=(--format=posix --pax-option=delete=atime,delete=ctime --xattrs '--xattrs-include=*' --acls --sparse --numeric-owner)
# shellcheck disable=SC2034
unpacked=(--xattrs '--xattrs-include=*' --acls --numeric-owner --same-owner --same-permissions --delay-directory-restore)

free_in() { df --output=avail -B1 "$1" | tail -n 1; } # bytes

tree() { python3 -c "$TREE" "$@"; }

# What a part is made of: lines of BASE NAME.
items_of() {
  case $1 in
    volumes) printf "$ROOT %s\n" data logs ;;
    config)
      printf "$ROOT %s\n" .env docker-compose.yml nginx/nginx.conf "nginx/conf.d/$NAME.conf" nginx/assets \
        .deployer/releases.jsonl .deployer/releases .deployer/backend.user .deployer/audit.jsonl ;;
    ssl)
      printf "$ROOT %s\n" nginx/ssl .deployer/tls
      printf '/etc %s\n' letsencrypt/accounts "letsencrypt/live/$DOMAIN" "letsencrypt/archive/$DOMAIN" "letsencrypt/renewal/$DOMAIN.conf" ;;
  esac
}

names_of() { items_of "$1" | cut -d' ' -f2-; }

# As lines of BASE NAME, those that are there.
standing_items() { local base name; items_of "$1" | while read -r base name; do if [ -e "$base/$name" ]; then echo "$base $name"; fi; done; }

# Every file, directory and link of a part as it stands: KIND MODE UID GID SIZE MTIME CTIME INODE NAME, each ended by NUL.
# Fails where not all could be seen. Further words are for find.
scan() {
  local part=$1
  shift
  standing_items "$part" | {
    code=0
    while read -r base name; do
      (cd "$base" && find "$name" '(' -type f -o -type d -o -type l ')' "$@" -printf '%y %#m %U %G %s %T@ %C@ %i %p\0') || code=1
    done
    exit "$code"
  } | LC_ALL=C sort -z
}

paths_in() { sed -zE 's/^([^ ]+ ){8}//' "$1"; }

# What restic copies is cut where its content says, so that an unchanged stretch is copied once: at twice the time.
compress() { if command -v zstd >/dev/null; then zstd -q -T0 ${OFFSITE_COPIES:+--rsyncable}; else gzip; fi; }
suffix() { if command -v zstd >/dev/null; then echo zst; else echo gz; fi; }
intact() { case $1 in *.zst) zstd -q -t "$1" ;; *) gzip -t "$1" ;; esac; }
decompress() { case $1 in *.zst) zstd -q -d -c "$1" ;; *.gz) gzip -d -c "$1" ;; *) cat "$1" ;; esac; }

# As sha256sum tells them; that of Debian and Ubuntu does without the processor's own instructions, and takes four times as long.
sums() { openssl dgst -sha256 -r "$@" | sed 's/ \*/  /'; }

# -- the backups that there are ----------------------------------------------------------------------------------------

shelf() { python3 -c "$SHELF" "$DIRECTORY" "$NAME"; }
ids() { sed -nE 's/^\{"id": "([^"]*)".*/\1/p'; }
whole() { grep -F '"missing": "",' | ids; }
whole_ones() { shelf | whole; }
missing_in() { shelf | grep -F "{\"id\": \"$1\"," | sed -nE 's/.*"missing": "([^"]*)".*/\1/p'; }

file_of() { find "$1" -maxdepth 1 -name "${1##*/}_$2.*" | head -n 1; }

# A number or text of a manifest: FILE KEY…
field() {
  python3 -c 'import json, sys
found = json.load(open(sys.argv[1]))
for key in sys.argv[2:]: found = found[key]
print(found if isinstance(found, str) else json.dumps(found))' "$@" 2>/dev/null
}

listing_of() { decompress "$(file_of "$1" files)"; }

# What the archives of a backup hold, as tree.py tells it. Fails where one could not be unpacked without harm.
archived_in() {
  local part
  for part in $parts; do
    decompress "$(file_of "$1" "$part")" | tree archive $(names_of "$part") || { echo "${1##*/}_$part cannot be unpacked" >&2; return 1; }
  done
}

# What the archives hold that the list of files says otherwise, or not at all; a list that is empty lists nothing. Says
# why where one could not be read.
differences_in() {
  local beside=$2 code=0
  archived_in "$1" >"$beside/archived" 2>"$beside/said" || code=1
  if [ "$code" != 0 ]; then tail -n 2 "$beside/said" | paste -sd ' '; return; fi
  listing_of "$1" >"$beside/listed" 2>"$beside/said" || { echo "the list of its files cannot be read: $(tail -n 1 "$beside/said")"; return; }
  LC_ALL=C comm -13 <(LC_ALL=C sort "$beside/archived") <(LC_ALL=C sort "$beside/listed") | head -n 3 |
    sed -E 's/^\{"path": ("([^"\\]|\\.)*").*/\1 is not as its list of files says/' | paste -sd ';'
}

# What clears away, or goes back, is not ended itself, nor is what it starts: who breaks off a job tells each of its
# processes, some of them twice; and a reader may be gone.
deaf() { trap '' HUP INT PIPE TERM; }

# Reads all of a backup: each file against its sum, each archive against the list of its files. Nothing is written but
# the time at which it was found good. A shell of its own: what it needs meanwhile goes with it, however it ends.
verify_backup() (
  set +e
  backup=$DIRECTORY/$1
  said=$(missing_in "$1")
  if [ ! -d "$backup" ]; then echo "$1 is gone"; exit 1; fi
  if [ -n "$said" ]; then echo "$1 is not whole: $said"; exit 1; fi
  if ! said=$(cd "$backup" && mapfile -t summed_files < <(sed 's/^.*  //' SHA256SUMS) && sums "${summed_files[@]}" 2>&1 | diff SHA256SUMS -); then
    echo "$1 is damaged: $(sed -n 's/^[<>] .*  //p' <<<"$said" | sort -u | paste -sd ' ') is not what was written"
    exit 1
  fi
  trap 'exit 143' HUP INT PIPE TERM
  scratch=$(mktemp -d "/var/tmp/deployer-$NAME.XXXXXX") || exit 1
  trap 'deaf; rm -rf "$scratch"' EXIT
  said=$(differences_in "$backup" "$scratch")
  if [ -n "$said" ]; then echo "$1 is damaged: $said"; exit 1; fi
  umask 077
  date -u +%FT%TZ >"$scratch/verified" && cp "$scratch/verified" "$backup/verified"
)

# Reads all of them: a line for each, ID and why it is not sound. Without the lock, which this may take hours for: what a
# backup removes meanwhile, because it is too old, is not told.
verify_all() {
  local one said
  renice -n 10 -p $$ >/dev/null 2>&1 || true
  for one in $(shelf | ids); do
    said=$(verify_backup "$one") || true
    if [ -d "$DIRECTORY/$one" ]; then printf '%s %s\n' "$one" "$(paste -sd ' ' <<<"$said")"; fi
  done
}
