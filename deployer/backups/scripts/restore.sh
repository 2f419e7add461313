# The state that a backup holds put in the place of what is there: `restore_swap`, after unpack_backup. One remote critical
# section: visitors get the maintenance page, the application stops, everything is swapped by renaming, new containers
# start on it and pass their gate, the proxy is switched. Whatever fails goes back (recover.sh).
# Needs ID (of the backup), FALLBACK (lines of SERVICE IMAGE: what to take where the backup's own image is gone), SCOPE;
# postgres.sh where there is a database, archive.sh, database.sh, unpack.sh and the functions of a roll-out in front of it.
journal=$beside/journal # the state it is in: `swapping`, then `serving`, or `back`
former=$(cat "$beside/former" 2>/dev/null || true)
switch_file=$NGINX/maintenance

state() { cat "$journal" 2>/dev/null || true; }
# What was written before stands on the disk before it is said.
phase() { printf '%s\n' "$1" >"$journal.new" && sync "$journal.new" && mv -f "$journal.new" "$journal" && sync "$beside"; }

# What is to be started: of the release that was backed up, or, where its configuration is not meant, of the present one.
read_services() {
  local from service image wanted release
  if in_scope config; then
    release=$(field "$DIRECTORY/$ID/manifest.json" release id) || true
    from=$beside/new/.deployer/releases/$release/services
  else
    release=$(current_release)
    from=$releases/$release/services
  fi
  if [ ! -e "$from" ]; then echo "which containers belong to it is not known: $from is missing"; return 1; fi
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

# Without data and configuration nothing has to be started anew.
to_start() { if in_scope config; then all_services; elif in_scope data || in_scope database; then echo backend-api; fi; }

# -- swap --------------------------------------------------------------------------------------------------------------

there() { [ -e "$1" ] || [ -L "$1" ]; }

# By renaming. From one file system to another it is copied beside first: under its name there is all of it or nothing.
move() {
  mkdir -p "$(dirname "$2")" || return
  if [ "$(stat -c %d "$1")" = "$(stat -c %d "$(dirname "$2")")" ]; then mv -T "$1" "$2"; return; fi
  rm -rf "$2.deployer-new" && cp -a "$1" "$2.deployer-new" && sync -f "$2.deployer-new" && mv -T "$2.deployer-new" "$2" || return
  mv -T "$1" "$1.deployer-gone" && rm -rf "$1.deployer-gone"
}

swap_files() {
  local base name
  while read -r base name; do
    if there "$base/$name"; then move "$base/$name" "$former/$name" || return; fi
    if there "$beside/new/$name"; then move "$beside/new/$name" "$base/$name" || return; fi
  done < <(swapped_items)
}

# Whatever has been swapped so far, and again where that was broken off. What was not there before is set aside again.
swap_files_back() {
  local base name code=0
  while read -r base name; do
    if ! there "$beside/new/$name" && there "$base/$name" && grep -qxF "$name" "$beside/names"; then
      move "$base/$name" "$beside/new/$name" || code=1
    fi
    if there "$former/$name"; then rm -rf "${base:?}/$name" && move "$former/$name" "$base/$name" || code=1; fi
    rm -rf "$base/$name.deployer-new" "$base/$name.deployer-gone"
  done < <(swapped_items)
  return "$code"
}

# The role's password is that of .env, whichever that is now (postgres.sh).
agree_on_password() { if [ -n "$DATABASE" ] && in_scope config; then agree; fi; }

# -- the road ----------------------------------------------------------------------------------------------------------

standing_containers() { local service; for service in $1; do one_line "$(serving "$service")"; done; }

in_place() { (cd "$beside/new" && names_in_scope | while read -r name; do if there "$name"; then echo "$name"; fi; done); }

# Whom the proxy passes requests to, how they are looked at, and whether the maintenance page was on before.
remember() {
  former=$ROOT/.deployer/former/$(date -u +%Y%m%d_%H%M%S) # of this restore alone: an earlier one's must not be taken for it
  install -d -m 0700 "${former%/*}" && mkdir -m 0700 "$former" && printf '%s\n' "$former" >"$beside/former"
  cp -a "$upstreams" "$beside/upstreams"
  in_place >"$beside/names"
  printf '%s\n' "$olds" >"$beside/olds"
  printf '%s\n' "$SERVICES" >"$beside/services"
  cat "$releases/$(current_release)/services" >"$beside/services.former" 2>/dev/null || true
  if [ -e "$switch_file" ]; then touch "$beside/closed"; fi
  sync -f "$beside"
}

close_site() { [ -e "$beside/closed" ] || printf '{"who": "restore", "since": "%s"}\n' "$(date -u +%FT%TZ)" >"$switch_file"; }
open_site() { [ -e "$beside/closed" ] || rm -f "$switch_file"; }

# Who has data/ and logs/ is known by the image's id: one that was built anew, on another host, is asked (A2).
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

# A visitor who comes too early would get a 502: the proxy has to know their addresses first.
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
  olds=$(standing_containers "$services")
  remember
  phase swapping
  closed=$EPOCHREALTIME
  close_site
  if [ -n "${olds// /}" ]; then docker stop --time 30 $olds >/dev/null; fi
  part stop
  if ! swap_files || ! database_swap || ! agree_on_password; then echo "the state could not be swapped"; recover; return; fi
  part swap
  start_restored || { recover; return; }
  touch "$beside/served"
  phase serving
  open_site
  part start
  began=$closed
  part gap
}
