# A release on its road: new containers beside the old, health gate, switch of the proxy; then drain and stop of the old.
# Whatever fails before the switch removes the new ones and leaves the old serving; run again, it goes on.
# A container serves when the proxy's upstream file names it; all others of its service are leftovers, or, between the
# switch and `finish`, the way back.
# Needs NAME, ROOT, NGINX, LIMIT, SETTLE and DRAIN (seconds), and SERVICES: a line for each service of the release with
#   SERVICE UPSTREAM PORT REPLICAS OVERLAP IMAGE CHECK…
# BEFORE_SWITCH, AFTER_SWITCH, ON_FAILURE: commands for the new backend's container, or none. In front of it: proxy.sh,
# release.sh, write_env.sh, last_words.sh and health.sh.
upstreams=$NGINX/conf.d/$NAME.upstreams

setting() { awk -v service="$1" -v column="$2" '$1 == service { print $column }' <<<"$SERVICES"; }
check_of() { sed -nE "s/^$1( [^ ]+){5} //p" <<<"$SERVICES"; }
image_of() { setting "$1" 6; }
all_services() { cut -d' ' -f1 <<<"$SERVICES"; }

of_service() { local service=$1; shift; docker ps -a --filter "label=com.docker.compose.project=$NAME" --filter "label=com.docker.compose.service=$service" "$@" --format '{{.Names}}'; }
named() { sed -n "/^upstream $(setting "$1" 2) /,/^}/s/^ *server \([^:]*\):.*/\1/p" "$upstreams"; }
without() { grep -vxF -f <(printf '%s\n' "$1") || true; }
unnamed() { of_service "$1" | without "$(named "$1")"; }
serving() { of_service "$1" --filter status=running | grep -xF -f <(named "$1") || true; }
count() { printf '%s' "$1" | grep -c . || true; }
one_line() { tr '\n' ' ' <<<"$1"; }

# Seconds since the last part, with their name: shown when the release is on its way, and told in the end.
part() {
  local now=$EPOCHREALTIME
  printf '\036part %s %s\n' "$1" "$(awk -v a="$now" -v b="$began" 'BEGIN { printf "%.2f", a - b }')"
  began=$now
}

# -- before ------------------------------------------------------------------------------------------------------------

# What an update left that was broken off: never one that serves. Its last requests may still run.
remove_leftovers() {
  local service leftovers=
  rm -f "$upstreams.new" "$upstreams.former"
  for service in $1; do
    if [ "$(setting "$service" 5)" = no ]; then leftovers+=" $(unnamed "$service")"
    else leftovers+=" $(of_service "$service" | without "$(serving "$service")")"; fi
  done
  if [ -n "${leftovers// /}" ]; then
    echo "removing what an earlier run left: $(one_line "$leftovers")"
    drain_proxy "$DRAIN"
    docker rm -f $leftovers >/dev/null
  fi
  for service in $1; do if [ "$(setting "$service" 5)" = no ]; then wake "$service"; fi; done
}

# One that must not run twice was stopped for a new one that never served: it is the way back.
wake() {
  local stopped
  stopped=$(of_service "$1" --filter status=exited | grep -xF -f <(named "$1") || true)
  if [ -n "$stopped" ]; then docker start $stopped >/dev/null || true; fi
}

create() { docker compose --project-directory "$ROOT" -f "$ROOT/docker-compose.yml" create --no-build --no-recreate --pull never --scale "$1=$2" "$1"; }

tag_current() { docker tag "$(image_of "$1")" "$(image_of "$1" | cut -d: -f1):current"; }

# Beside what serves. The containers are made first and started then: `up` would start a stopped one as well.
start_new() {
  local service=$1 old
  old=$(of_service "$service")
  tag_current "$service"
  create "$service" $(($(count "$old") + $(setting "$service" 4))) 2>&1 | grep -v 'level=warning' || true
  new=$(of_service "$service" | without "$old")
  if [ -z "$new" ]; then echo "Docker made no new container of $service"; return 1; fi
  if [ "$(setting "$service" 5)" = no ]; then make_room "$service"; fi
  docker start $new >/dev/null
  echo "$service: $(one_line "$new")"
}

# One that must never run twice: the gap begins here.
make_room() {
  local old
  old=$(serving "$1")
  if [ -z "$old" ]; then return; fi
  echo "$1 must not run twice (overlap = false): stopping the old one; until the new one serves nobody answers"
  gap=$EPOCHREALTIME
  docker stop --time 30 $old >/dev/null
}

# -- gates -------------------------------------------------------------------------------------------------------------

# Healthy at first sight is not enough where something serves: many a program ends after some seconds.
settle() {
  local name
  if [ "$SETTLE" = 0 ]; then return; fi # to timeout(1) 0 means without an end
  timeout "$SETTLE" docker wait $1 >/dev/null || true
  for name in $1; do
    if ! running "$name"; then last_words "$name" "ended within $SETTLE s"; return 1; fi
  done
}

healthy_all() {
  local service name
  for service in $1; do
    for name in $(of_kind "$service" "$started"); do
      healthy "$name" "$(check_of "$service")" || return
    done
  done
}

# A command of the inventory in the new backend's container: what it says is shown, its failure stops the release.
hook() {
  local words=$2 code=0 name
  if [ -z "$words" ]; then return; fi
  name=$(for name in $started $(serving backend-api); do [[ $name == *-backend-api-* ]] && echo "$name"; done | head -n 1)
  echo "$1: $words (in $name)"
  timeout 600 docker exec "$name" sh -c "$words" 2>&1 | sed 's/^/  | /' || code=${PIPESTATUS[0]}
  if [ "$code" != 0 ]; then echo "$1 ended with exit code $code"; fi
  return "$code"
}

# -- switch ------------------------------------------------------------------------------------------------------------

# A container that the proxy knows keeps its line: an older release may have had another port.
servers() {
  for name in $2; do
    grep -F " server $name:" "$upstreams.former" || echo "    server $name:$(setting "$1" 3) resolve max_fails=0;"
  done
}

# Service by service into one new file: all of a release is switched at once.
choose() {
  awk -v block="upstream $(setting "$1" 2) " -v servers="$(servers "$1" "$2")" '
    index($0, block) == 1 { inside = 1 }
    inside && /^ *server / { if (!written) { print servers; written = 1 } next }
    /^}/ { inside = 0 }
    { print }' "$upstreams.new" >"$upstreams.next"
  mv -f "$upstreams.next" "$upstreams.new"
}

of_kind() { for name in $2; do [[ $name == "$NAME-$1-"* ]] && echo "$name"; done; }

write_upstreams() {
  local service
  cp -a "$upstreams" "$upstreams.new"
  for service in $1; do choose "$service" "$(of_kind "$service" "$2")"; done
  mv -f "$upstreams.new" "$upstreams"
}

address_of() { docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"; }

# Asks the proxy, from inside its network, whom it reaches: as often as it takes to have met every server in turn.
reached() {
  local service=$1 seen tries
  tries=$(($(count "$(named "$service")") * 3))
  seen=$(for ((; tries > 0; tries--)); do
    nsenter -t "$(docker inspect --format '{{.State.Pid}}' "$(proxy)")" -n \
      curl -s -m 5 -o /dev/null -D - "http://127.0.0.1:8404/$(setting "$service" 2)" | sed -n 's/^X-Reached: *//Ip'
  done)
  for name in $2; do grep -qF "$(address_of "$name"):" <<<"$seen" || return; done
}

# The proxy asks for the address of a new name only once it has loaded it, and answers 502 until it knows it; what it
# knew before it keeps over a reload. So the new ones serve beside the old until it reaches them, then alone.
introduce() {
  local service
  write_upstreams "$1" "$2 $3" && reload_proxy || return
  for service in $1; do
    await 20 reached "$service" "$(of_kind "$service" "$2")" || { echo "the proxy does not reach the new $service"; return 1; }
  done
}

# To these containers ($2) of the services $1, from those ($3) or from none.
switch() {
  cp -a "$upstreams" "$upstreams.former"
  if { [ -z "${3// /}" ] || [ -z "$(proxy)" ] || introduce "$1" "$2" "$3"; } && write_upstreams "$1" "$2" && reload_proxy; then
    rm -f "$upstreams.former"
    return
  fi
  echo "the proxy refuses the new containers; it keeps the old ones"
  mv -f "$upstreams.former" "$upstreams"
  reload_proxy || true
  return 1
}

# -- the road ----------------------------------------------------------------------------------------------------------

# Exit code 4: what served before serves on; 5: that failed; 1: nothing did.
give_up() {
  local code=1 service
  not_half_way
  await 60 docker_is_up || true
  hook "hook on_failure" "$ON_FAILURE" || true
  if [ -n "${started// /}" ]; then docker rm -f $started >/dev/null; fi
  if [ -n "${olds// /}" ]; then code=4; start_again || code=5; fi
  restore "$(current_release)" || code=5
  record_failure "$1"
  return "$code"
}

# Those of `overlap = false` were stopped.
start_again() {
  local name stopped='' going=$SERVICES
  for name in $olds; do
    if ! running "$name"; then docker start "$name" >/dev/null || return; stopped+=" $name"; fi
  done
  SERVICES=$(former_services)
  serve_again "$stopped" || return
  SERVICES=$going
  if [ -n "$gap" ]; then began=$gap; part gap; fi
}

former_services() { cat "$releases/$(current_release)/services" 2>/dev/null || printf '%s' "$SERVICES"; }

# A container that was started serves once it is well and the proxy reaches it, at the address that it may have got anew.
serve_again() {
  local service name names
  for service in $(all_services); do
    names=$(of_kind "$service" "$1") || true
    for name in $names; do healthy "$name" "$(check_of "$service")" || return; done
    if [ -z "$names" ] || [ -z "$(proxy)" ]; then continue; fi
    await 20 reached "$service" "$names" || { echo "the proxy does not reach the old $service"; return 1; }
  done
}

# From here on a stop waits for the end of the job, whose directory this is (session.sh).
not_half_way() { trap '' TERM; if [ -e runner.sh ]; then : >critical; fi; }

# Brings these services to new containers and the proxy to them; the old ones run on until `finish`.
roll() {
  local services=$1 service began=$EPOCHREALTIME
  olds='' started='' gap=''
  trap 'give_up "it was broken off" || exit $?' TERM
  remove_leftovers "$(all_services)" # also of those that stay: `go_back` would take them for what served before
  for service in $services; do olds+=" $(one_line "$(serving "$service")")"; done
  keep_assets
  for service in $services; do
    start_new "$service" || { started+=" $new"; give_up "$service does not start"; return; }
    started+=" $(one_line "$new")"
  done
  part start
  healthy_all "$services" || { give_up "the health gate failed"; return; }
  part health
  if [ -n "${olds// /}" ]; then settle "$started" || { give_up "it did not keep running"; return; }; part settle; fi
  hook "hook before_switch" "$BEFORE_SWITCH" || { give_up "the hook before_switch failed"; return; }
  not_half_way
  switch "$services" "$started" "$(standing_of "$services")" || { give_up "the proxy could not be switched"; return; }
  if [ -n "$gap" ]; then began=$gap; part gap; fi
  part switch
  hook "hook after_switch" "$AFTER_SWITCH" || { go_back "the hook after_switch failed"; return; }
}

# What serves and goes on running meanwhile: of a service that must not run twice there is none.
standing_of() { local service; for service in $1; do one_line "$(serving "$service")"; done; }

# After the switch: the proxy to the old ones again, which still run.
go_back() {
  local service services='' back='' going=$SERVICES
  began=$EPOCHREALTIME
  started='' olds='' gap=''
  for service in $(all_services); do
    if [ -z "$(unnamed "$service")" ]; then continue; fi
    services+=" $service"
    started+=" $(one_line "$(named "$service")")"
    back+=" $(one_line "$(unnamed "$service")")"
  done
  hook "hook on_failure" "$ON_FAILURE" || true
  if [ -z "${back// /}" ]; then echo "there is nothing to go back to"; return 5; fi
  for service in $services; do
    if [ "$(setting "$service" 5)" = no ]; then docker stop --time 30 $(named "$service") >/dev/null || return 5; fi
  done
  docker start $back >/dev/null || return 5
  SERVICES=$(former_services)
  switch "$services" "$back" "$(standing_of "$services")" && serve_again "$back" || return 5
  drain_proxy "$DRAIN"
  docker rm -f $started >/dev/null || true
  SERVICES=$going
  restore "$(current_release)" || return 5
  record_failure "$1"
  part back
  return 4
}

# The old ones have answered their last request; what is left after DRAIN seconds nginx closes itself.
finish() {
  local service old='' began=$EPOCHREALTIME
  for service in $(all_services); do old+=" $(one_line "$(unnamed "$service")")"; done
  if [ -z "${old// /}" ]; then return; fi
  drain_proxy "$DRAIN"
  part drain
  docker stop --time 30 $old >/dev/null
  docker rm $old >/dev/null
  part stop
}

# logs/ and data/ belong to the user of the backend's image, who is found out, not assumed (A2).
# Docker loses the output of a short-lived container now and then ("reading from a closed fifo"): it is asked again.
own_directories() {
  local image=$1 user='' tries; shift
  for ((tries = 5; tries > 0; tries--)); do
    user=$(docker run --rm --network none --entrypoint sh "$image" -c 'echo "$(id -u):$(id -g)"')
    if [[ $user =~ ^[0-9]+:[0-9]+$ ]]; then break; fi
  done
  if [ -z "$user" ]; then echo "Docker does not say which user $image runs as"; return 1; fi
  chown "$user" "$@"
  printf '%s %s\n' "$(docker image inspect --format '{{.ID}}' "$image")" "$user" >>"$users"
  tail -n 50 "$users" >"$users.new" && mv -f "$users.new" "$users"
}
