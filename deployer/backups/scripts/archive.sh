# Functions: what a backup holds, and how one is read. A backup is a directory $DIRECTORY/NAME_YYYYmmdd_HHMMSS (UTC) with
# the guide's parts (NAME_…_volumes.tar.zst, _config, _ssl, and _database.dump), NAME_…_files.jsonl.zst (every file of
# the parts with its digest, as tree.py prints it), manifest.json, and SHA256SUMS over all of them.
# Needs NAME, ROOT, DIRECTORY, DOMAIN, TREE and MANIFEST (the texts of tree.py and manifest.py).
export LC_ALL=C.UTF-8
# shellcheck disable=SC2034 # used by the scripts that follow
parts='volumes config ssl'
# shellcheck disable=SC2034
extract_options=(--xattrs '--xattrs-include=*' --acls --numeric-owner --same-owner --same-permissions --delay-directory-restore)

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

decompress() { case $1 in *.zst) zstd -q -d -c "$1" ;; *.gz) gzip -d -c "$1" ;; *) cat "$1" ;; esac; }

# Prints what sha256sum would. That of Debian and Ubuntu does not use the processor's instructions for it, and takes four
# times as long.
sums() { openssl dgst -sha256 -r "$@" | sed 's/ \*/  /'; }

# -- the catalogue -----------------------------------------------------------------------------------------------------

list_backups() { python3 -c "$MANIFEST" "$DIRECTORY" "$NAME"; }
ids() { sed -nE 's/^\{"id": "([^"]*)".*/\1/p'; }
complete_ids() { grep -F '"problem": "",' | ids; }
complete_backups() { list_backups | complete_ids; }
problem_of() { list_backups | grep -F "{\"id\": \"$1\"," | sed -nE 's/.*"problem": "([^"]*)".*/\1/p'; }

file_of() { find "$1" -maxdepth 1 -name "${1##*/}_$2.*" | head -n 1; }

# Prints a number or text of a manifest: FILE KEY…
field() {
  python3 -c 'import json, sys
found = json.load(open(sys.argv[1]))
for key in sys.argv[2:]: found = found[key]
print(found if isinstance(found, str) else json.dumps(found))' "$@" 2>/dev/null
}

listing_of() { decompress "$(file_of "$1" files)"; }
