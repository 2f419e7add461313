# Replaces the present state with that of a backup: `restore_swap`, after unpack_backup. It runs to its end once begun:
# visitors get the maintenance page, the application stops, everything is swapped by renaming, new containers start on it
# and pass their health gate, the proxy is switched. Any failure is undone (recover.sh).
# Needs ID (of the backup), FALLBACK (lines of SERVICE IMAGE, used where the backup's own image is gone), SCOPE; in front
# of it postgres.sh where there is a database, archive.sh, verify.sh, database.sh, unpack.sh and the roll-out's functions.
journal=$staging/journal # the phase: `swapping`, then `serving`, or `back`
former=$(cat "$staging/former" 2>/dev/null || true)
switch_file=$NGINX/maintenance

state() { cat "$journal" 2>/dev/null || true; }
# Enters the next phase; everything before it is on the disk then.
phase() { printf '%s\n' "$1" >"$journal.new" && sync "$journal.new" && mv -f "$journal.new" "$journal" && sync "$staging"; }

# Reads which services to start: those of the release in the backup, or, without its configuration, of the present one.
read_services() {
  local from service image wanted release
  if in_scope config; then
    release=$(field "$DIRECTORY/$ID/manifest.json" release id) || true
    from=$staging/new/.deployer/releases/$release/services
  else
    release=$(current_release)
    from=$releases/$release/services
  fi
  if [ ! -e "$from" ]; then echo "the services of this release are not known: $from is missing"; return 1; fi
  SERVICES=$(cat "$from")
  services=$(to_start)
  for service in $services; do
    image=$(image_of "$service")
    if docker image inspect "$image" >/dev/null 2>&1; then continue; fi
    wanted=$(sed -n "s/^$service //p" <<<"$FALLBACK")
    if ! docker image inspect "$wanted" >/dev/null 2>&1; then echo "the image $image of $service is not on this host"; return 1; fi
    SERVICES=$(sed "/^$service /s|$image|$wanted|" <<<"$SERVICES")
  done
}

# Without data and configuration no container has to be replaced.
to_start() { if in_scope config; then all_services; elif in_scope data || in_scope database; then echo backend-api; fi; }

# -- swap --------------------------------------------------------------------------------------------------------------

exists() { [ -e "$1" ] || [ -L "$1" ]; }

# Moves by renaming. To another file system it copies first and renames then, so that no half of it gets the name.
move() {
  mkdir -p "$(dirname "$2")" || return
  if [ "$(stat -c %d "$1")" = "$(stat -c %d "$(dirname "$2")")" ]; then mv -T "$1" "$2"; return; fi
  rm -rf "$2.deployer-new" && cp -a "$1" "$2.deployer-new" && sync -f "$2.deployer-new" && mv -T "$2.deployer-new" "$2" || return
  mv -T "$1" "$1.deployer-gone" && rm -rf "$1.deployer-gone"
}

swap_files() {
  local base name
  while read -r base name; do
    if exists "$base/$name"; then move "$base/$name" "$former/$name" || return; fi
    if exists "$staging/new/$name"; then move "$staging/new/$name" "$base/$name" || return; fi
  done < <(swapped_items)
}

# Undoes as much as was swapped, and can be repeated where it was interrupted. New files are moved to the staging directory.
swap_files_back() {
  local base name code=0
  while read -r base name; do
    if ! exists "$staging/new/$name" && exists "$base/$name" && grep -qxF "$name" "$staging/names"; then
      move "$base/$name" "$staging/new/$name" || code=1
    fi
    if exists "$former/$name"; then rm -rf "${base:?}/$name" && move "$former/$name" "$base/$name" || code=1; fi
    rm -rf "$base/$name.deployer-new" "$base/$name.deployer-gone"
  done < <(swapped_items)
  return "$code"
}

# Gives the database's role the password of the present .env (postgres.sh).
agree_on_password() { if [ -n "$DATABASE" ] && in_scope config; then agree; fi; }

# -- the procedure -----------------------------------------------------------------------------------------------------

serving_containers() { local service; for service in $1; do one_line "$(serving "$service")"; done; }

restored_names() { (cd "$staging/new" && names_in_scope | while read -r name; do if exists "$name"; then echo "$name"; fi; done); }

# Saves what an undo needs: the proxy's upstreams, the containers, the services, whether the maintenance page was on.
save_state() {
  former=$ROOT/.deployer/former/$(date -u +%Y%m%d_%H%M%S) # for this restore alone: an earlier one's must not be used
  install -d -m 0700 "${former%/*}" && mkdir -m 0700 "$former" && printf '%s\n' "$former" >"$staging/former"
  cp -a "$upstreams" "$staging/upstreams"
  restored_names >"$staging/names"
  printf '%s\n' "$olds" >"$staging/olds"
  printf '%s\n' "$SERVICES" >"$staging/services"
  cat "$releases/$(current_release)/services" >"$staging/services.former" 2>/dev/null || true
  if [ -e "$switch_file" ]; then touch "$staging/closed"; fi
  sync -f "$staging"
}

close_site() { [ -e "$staging/closed" ] || printf '{"who": "restore", "since": "%s"}\n' "$(date -u +%FT%TZ)" >"$switch_file"; }
open_site() { [ -e "$staging/closed" ] || rm -f "$switch_file"; }

# The owner of data/ and logs/ is known by the image's id. An image that was built again, on another host, is examined (A2).
own_data() {
  local image
  if ! grep -qx backend-api <<<"$services"; then return; fi
  image=$(image_of backend-api)
  grep -qs "^$(docker image inspect --format '{{.ID}}' "$image") " "$users" || own_directories "$image" "$ROOT/logs" "$ROOT/data"
}

start_restored() {
  local service
  own_data || return
  for service in $services; do
    start_new "$service" || return
    started+=" $(one_line "$new")"
  done
  healthy_all "$services" || return
  if [ -n "$services" ]; then switch "$services" "$started" ""; else reload_proxy; fi || return
  are_reached "$services" "$started"
}

# Waits until the proxy knows the addresses of the new containers: before that a visitor would get a 502.
are_reached() {
  local service
  if [ -z "$(proxy)" ]; then return; fi
  for service in $1; do
    await 20 reached "$service" "$(of_kind "$service" "$2")" || { echo "the proxy does not reach $service"; return 1; }
  done
}

# shellcheck disable=SC2034 # `began` and `gap` are for the functions of a roll-out
restore_swap() {
  local began=$EPOCHREALTIME closed
  started='' olds='' gap=''
  read_services || return 1
  olds=$(serving_containers "$services")
  save_state
  phase swapping
  closed=$EPOCHREALTIME
  close_site
  if [ -n "${olds// /}" ]; then docker stop --time 30 $olds >/dev/null; fi
  part stop
  if ! swap_files || ! database_swap || ! agree_on_password; then echo "the state could not be swapped"; recover; return; fi
  part swap
  start_restored || { recover; return; }
  touch "$staging/served"
  phase serving
  open_site
  part start
  began=$closed
  part gap
}
