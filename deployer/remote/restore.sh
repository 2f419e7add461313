# The state that a backup holds put in the place of what is there: `restore_guarded`, after unpack_backup. One remote critical
# section: visitors get the maintenance page, the application stops, everything is swapped by renaming, new containers
# start on it and pass their gate, the proxy is switched. Whatever fails swaps the former state back and starts it again:
# also when this script is killed, for it runs as a unit of systemd's of its own, which then runs `recover`.
# Needs ID (of the backup), FALLBACK (lines of SERVICE IMAGE: what to take where the backup's own image is gone), SCOPE;
# postgres.sh where there is a database, archive.sh, database.sh, unpack.sh and the functions of a roll-out in front of it.
journal=$beside/journal # the state it is in: `swapping`, then `serving`
former=$(cat "$beside/former" 2>/dev/null || true)
switch_file=$NGINX/maintenance

in_scope() { [[ " $SCOPE " == *" $1 "* ]]; }

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

move() { mkdir -p "$(dirname "$2")" && mv -T "$1" "$2"; }

swap_files() {
  local base name
  while read -r base name; do
    if [ -e "$base/$name" ]; then move "$base/$name" "$former/$name" || return; fi
    if [ -e "$beside/new/$name" ]; then move "$beside/new/$name" "$base/$name" || return; fi
  done < <(swapped_items)
}

# Whatever has been swapped so far. What was not there before is set aside again.
swap_files_back() {
  local base name code=0
  while read -r base name; do
    if [ ! -e "$beside/new/$name" ] && [ -e "$base/$name" ] && grep -qxF "$name" "$beside/names"; then
      move "$base/$name" "$beside/new/$name" || code=1
    fi
    if [ -e "$former/$name" ]; then rm -rf "${base:?}/$name" && move "$former/$name" "$base/$name" || code=1; fi
  done < <(swapped_items)
  return "$code"
}

# The role's password is that of .env, whichever that is now (postgres.sh).
agree_on_password() { if [ -n "$DATABASE" ] && in_scope config; then agree; fi; }

# -- the road ----------------------------------------------------------------------------------------------------------

standing_containers() { local service; for service in $1; do one_line "$(serving "$service")"; done; }

# Whom the proxy passes requests to, and whether the maintenance page was on before.
remember() {
  local now
  now=$(date -u +%Y%m%d_%H%M%S)
  former=$ROOT/.deployer/former/$now # of this restore alone: an earlier one's must not be taken for it
  mkdir -p "${former%/*}" && mkdir "$former" && printf '%s\n' "$former" >"$beside/former"
  cp -a "$upstreams" "$beside/upstreams"
  (cd "$beside/new" && names_in_scope | while read -r name; do if [ -e "$name" ]; then echo "$name"; fi; done) >"$beside/names"
  printf '%s\n' "$olds" >"$beside/olds"
  printf '%s\n' "$SERVICES" >"$beside/services"
  if [ -e "$switch_file" ]; then touch "$beside/closed"; fi
}

close_site() { [ -e "$beside/closed" ] || printf '{"who": "restore", "since": "%s"}\n' "$(date -u +%FT%TZ)" >"$switch_file"; }
open_site() { [ -e "$beside/closed" ] || rm -f "$switch_file"; }

start_restored() {
  local service
  for service in $services; do
    start_new "$service" || { started+=" $new"; return 1; }
    started+=" $(one_line "$new")"
  done
  healthy_all "$services" || return
  if [ -n "$services" ]; then switch "$services" "$started" ""; else reload_proxy; fi
}

# shellcheck disable=SC2034 # `began` and `gap` are for the functions of a roll-out
restore_swap() {
  local service began=$EPOCHREALTIME
  started='' olds='' gap=''
  read_services || return 1
  olds=$(standing_containers "$services")
  remember
  phase swapping
  close_site
  if [ -n "${olds// /}" ]; then docker stop --time 30 $olds >/dev/null; fi
  part stop
  if ! swap_files || ! database_swap || ! agree_on_password; then echo "the state could not be swapped"; recover; return; fi
  part swap
  start_restored || { recover; return; }
  phase serving
  open_site
  part start
}

# Exit code 4: what served before serves again; 1: nothing did; 5: that failed. The code is kept for who waits for the unit.
recover() {
  local code=0 name service
  if [ "$(cat "$journal" 2>/dev/null)" != swapping ]; then return 0; fi
  echo "the former state is put back"
  olds=$(cat "$beside/olds") SERVICES=$(cat "$beside/services") services=$(to_start)
  for service in $services; do
    for name in $(of_service "$service"); do if [[ " $olds " != *" $name "* ]]; then docker rm -f "$name" >/dev/null; fi; done
  done
  if ! swap_files_back || ! database_swap_back || ! agree_on_password; then code=5; fi
  cp -a "$beside/upstreams" "$upstreams" || code=5
  if [ -n "${olds// /}" ]; then docker start $olds >/dev/null || code=5; fi
  reload_proxy || code=5
  open_site
  if [ "$code" = 0 ]; then if [ -n "${olds// /}" ]; then code=4; else code=1; fi; fi
  echo "$code" >"$beside/code"
  phase back
  return "$code"
}

# After the look from outside: the containers of before go; their state is kept until the next backup.
restore_end() {
  local name service
  SERVICES=$(cat "$beside/services")
  for service in $(to_start); do
    for name in $(unnamed "$service"); do docker rm -f "$name" >/dev/null; done
  done
  rm -rf "$beside"
  echo "restored $ID; what was there before is kept in $former until the next backup"
}

restore_back() { if [ "$(cat "$journal" 2>/dev/null)" = serving ]; then phase swapping; fi; recover; }

# The unit holds the lock as well (its standard input is the lock's descriptor), and outlives whoever started it. `recover`
# is run by systemd when it ended, however it did.
restore_guarded() {
  local code=0 unit=deployer-$NAME-restore
  rm -f "$beside/code"
  : >restore.output
  systemctl reset-failed "$unit.service" 2>/dev/null || true
  systemd-run --quiet --collect --wait --pipe --unit="$unit" --property=After=docker.service --property=TimeoutStopSec=900 \
    --property="ExecStopPost=-/bin/bash -u $PWD/$0 recover" \
    /bin/bash -euo pipefail "$PWD/$0" swap <&9 >restore.output 2>&1 &
  tail -n +1 -s 0.1 --pid=$! -f restore.output
  wait $! || code=$?
  if [ "$code" != 0 ] && [ "$(cat "$journal" 2>/dev/null)" = serving ]; then code=0; fi # the unit went on without its reader
  if [ -e "$beside/code" ]; then code=$(cat "$beside/code"); fi
  return "$code"
}

# Nothing stops it half-way, nor does a reader who went away.
in_unit() { trap '' TERM HUP INT PIPE; exec 9<&0; "$1"; }

# The same file is the job's script and the unit's two commands.
act() {
  case $1 in
    swap) in_unit restore_swap ;;
    recover) in_unit recover ;;
    *) restore_guarded ;;
  esac
}
