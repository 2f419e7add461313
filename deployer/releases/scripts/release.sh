# What a release consists of besides its containers, kept for a rollback: below $STATE/releases/ID the
# configuration (docker-compose.yml, nginx.conf, NAME.conf, environment without its secrets), `services` (as
# containers.sh reads them) and the wallet's files whose names hold a hash of their content. Secrets are never restored: the current ones stay.
# Needs NAME, ROOT, NGINX, STATE, REF, COMMIT, CONFIGURATION (a digest), ENVIRONMENT (its lines, [secret] in
# place of each secret), KEEP (ids of releases), HASHED (an expression for names), SERVICES; proxy.sh, and the function
# host_program, which runs a verb.
releases=$STATE/releases
log=$STATE/releases.jsonl
next=$releases/.next
image_id='{{if .RepoDigests}}{{index .RepoDigests 0}}{{else}}{{.Id}}{{end}}' # a pulled image is identified by its digest
users=$STATE/backend.user # for each image of the backend, by id, the owner that logs/ and data/ must have

current_release() { sed -nE 's/^\{"id": "([^"]*)".*"result": "(deployed|restored)".*/\1/p' "$log" 2>/dev/null | tail -n 1; }

# As it is written there, which is JSON already.
who() { sed -nE 's/^\{"who": "(([^"\\]|\\.)*)".*/\1/p' "/run/deployer/$NAME/holder" 2>/dev/null | head -n 1; }

plain() { tr -d "\"\\\\" <<<"$1" | tr -cd '[:print:]' | cut -c -200; }

by_service() {
  local service name line=''
  while read -r service _ _ _ _ name _; do
    line+="${line:+, }\"$service\": \"$(if [ "$1" = ids ]; then docker image inspect --format "$image_id" "$name"; else echo "$name"; fi)\""
  done <<<"$SERVICES"
  printf '{%s}' "$line"
}

# One line for each release that was deployed, restored or refused: ID RESULT WHY.
write_line() { line_of "$@" >>"$log" && sync "$log"; }

line_of() {
  printf '{"id": "%s", "time": "%s", "ref": "%s", "commit": "%s", "configuration": "%s", "result": "%s", "who": "%s", "why": "%s", "images": %s, "tags": %s}\n' \
    "$1" "$(date -u +%FT%TZ)" "$(plain "$REF")" "$COMMIT" "$CONFIGURATION" "$2" "$(who)" "$(plain "$3")" \
    "$(by_service ids)" "$(by_service names)"
}

new_id() { echo "$(date -u +%Y%m%d_%H%M%S)-${COMMIT:0:7}"; }

record_failure() {
  forget_next
  write_line "$(new_id)" failed "$1" || true
}

# -- the wallet's files -------------------------------------------------------------------------------------------------

# A browser that loaded an index requests the files that it names, from whichever release answers. Files whose names hold a
# hash of their content are kept from before the switch for as long as their release is retained.
keep_assets() {
  local image container
  image=$(sed -nE 's/^demo-wallet( [^ ]+){4} ([^ ]+) .*/\2/p' <<<"$SERVICES")
  rm -rf "$next"
  mkdir -p "$next/assets" "$NGINX/assets"
  container=$(docker create --label "com.docker.compose.project=$NAME-look" "$image")
  docker export "$container" | tar -x -C "$next/assets" --strip-components=4 --no-same-owner usr/share/nginx/html 2>/dev/null || true
  docker rm "$container" >/dev/null
  plain_files_only "$next/assets"
  plain_files_only "$NGINX/assets" "$releases"/*/assets # what an older version kept
  find "$next/assets" -type f -print0 | { grep -azvP "$HASHED" || true; } | xargs -0 -r rm -f
  find "$next/assets" -type d -empty -delete
  mkdir -p "$next/assets"
  chmod -R u=rwX,go=rX "$next/assets"
  cp -aln "$next/assets/." "$NGINX/assets/" 2>/dev/null || cp -al --update=none "$next/assets/." "$NGINX/assets/"
}

# The proxy publishes these directories: a link in an image would publish what it points to on the host.
plain_files_only() {
  local directory
  for directory; do
    if [ ! -d "$directory" ] || [ -L "$directory" ]; then continue; fi
    find "$directory" ! -type f ! -type d -delete
    find "$directory" -perm /7000 -exec chmod ug-s,-t {} +
  done
}

forget_next() { rm -rf "$next"; }

# -- keep and restore -------------------------------------------------------------------------------------------------

# For people who look into the clone: builds use the commit, whatever is checked out.
checkout() { git -c safe.directory='*' -C "$ROOT/src" checkout --quiet --force --detach "$COMMIT" || echo "the clone could not check out $COMMIT; it stays where it is"; }

# Completes what keep_assets began.
record() {
  local id
  id=$(new_id)
  cp -a "$ROOT/docker-compose.yml" "$NGINX/nginx.conf" "$NGINX/conf.d/$NAME.conf" "$next/"
  printf '%s\n' "$ENVIRONMENT" >"$next/environment"
  printf '%s\n' "$SERVICES" >"$next/services"
  chmod 600 "$next/environment"
  line_of "$id" deployed "" >"$next/release.json" # from which the log is rebuilt, should it be damaged
  checkout
  mv "$next" "$releases/$id"
  write_line "$id" deployed ""
  echo "release $id"
  prune "$KEEP $id" || echo "older releases could not be removed; the next release tries again"
}

# The containers serve already, and `restore` has put the configuration in place.
record_restored() {
  forget_next
  checkout
  write_line "$1" restored ""
}

put_file() { cmp -s "$1" "$2" || { cp -a "$1" "$2.deployer-new" && mv -f "$2.deployer-new" "$2"; }; }

restore_owners() {
  local user
  user=$(sed -n "s/^$(docker image inspect --format '{{.ID}}' "$1") //p" "$users" 2>/dev/null | tail -n 1) || true
  if [ -n "$user" ] && [ "$(stat -c %u:%g "$ROOT/logs")" != "$user" ]; then chown "$user" "$ROOT/logs" "$ROOT/data"; fi
}

# Configuration and environment of a kept release, and its images as the current ones.
restore() {
  local from=$releases/$1 service name
  if [ -z "$1" ] || [ ! -d "$from" ]; then return 0; fi
  host_program environment restore "$from/environment" || return
  put_file "$from/docker-compose.yml" "$ROOT/docker-compose.yml" || return
  while read -r service _ _ _ _ name _; do
    docker tag "$name" "${name%%:*}:current" || return
    if [ "$service" = backend-api ]; then restore_owners "$name"; fi
  done <"$from/services"
  if cmp -s "$from/nginx.conf" "$NGINX/nginx.conf" && cmp -s "$from/$NAME.conf" "$NGINX/conf.d/$NAME.conf"; then return; fi
  put_file "$from/nginx.conf" "$NGINX/nginx.conf" && put_file "$from/$NAME.conf" "$NGINX/conf.d/$NAME.conf" && reload_proxy
}

# -- prune --------------------------------------------------------------------------------------------------------------

names_in() { local directory; for directory; do (cd "$directory" && find . -type f -print0); done | sort -zu; }

# All releases but these; images that none of them needs; wallet files that none of them holds.
prune() {
  local directory name wanted
  for directory in "$releases"/*/; do
    name=$(basename "$directory")
    if [[ " $1 " != *" $name "* ]]; then rm -rf "$directory"; fi
  done
  wanted=$(cat "$releases"/*/services | awk '{ print $6 }' | sort -u)
  docker image ls --format '{{.Repository}}:{{.Tag}}' --filter "reference=$NAME-backend:*" --filter "reference=$NAME-wallet:*" |
    { grep -vxF -e "$NAME-backend:current" -e "$NAME-wallet:current" -f <(echo "$wanted") || true; } |
    xargs -r docker rmi >/dev/null || return
  docker image prune -f --filter label=deployer.inputs >/dev/null || return
  # By name: the same file of two releases is not the same inode.
  comm -z -23 <(names_in "$NGINX/assets") <(names_in "$releases"/*/assets) | (cd "$NGINX/assets" && xargs -0 -r rm -f)
  find "$NGINX/assets" -mindepth 1 -type d -empty -delete
}
