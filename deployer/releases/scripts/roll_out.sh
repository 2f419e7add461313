# Functions that roll out a release: new containers alongside the old, health gate, switch of the proxy; then drain and
# stop the old ones. What fails before the switch removes the new containers and leaves the old ones serving; running it
# again continues.
# Needs LIMIT and SETTLE (seconds), and BEFORE_SWITCH, AFTER_SWITCH, ON_FAILURE: commands for the new backend's
# container, or none. In front of it: proxy.sh, release.sh, log_tail.sh, health.sh, containers.sh, switch.sh.

# Reports how many seconds have passed since the last part ended, under the name $1.
part() {
  local now=$EPOCHREALTIME
  printf '\036part %s %s\n' "$1" "$(awk -v a="$now" -v b="$began" 'BEGIN { printf "%.2f", a - b }')"
  began=$now
}

# -- gates -------------------------------------------------------------------------------------------------------------

# One successful health check is not enough where a release is serving: many programs end after a few seconds.
settle() {
  local name
  if [ "$SETTLE" = 0 ]; then return; fi # to timeout(1) 0 means without an end
  timeout "$SETTLE" docker wait $1 >/dev/null || true
  for name in $1; do
    if ! running "$name"; then show_log_tail "$name" "ended within $SETTLE s"; return 1; fi
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

# Runs a command of the inventory in the new backend's container: its output is shown, its failure stops the roll-out.
hook() {
  local words=$2 code=0 name
  if [ -z "$words" ]; then return; fi
  name=$(for name in $started $(serving backend-api); do [[ $name == *-backend-api-* ]] && echo "$name"; done | head -n 1)
  echo "$1: $words (in $name)"
  timeout 600 docker exec "$name" sh -c "$words" 2>&1 | sed 's/^/  | /' || code=${PIPESTATUS[0]}
  if [ "$code" != 0 ]; then echo "$1 failed with exit code $code"; fi
  return "$code"
}

# -- roll out, abort, roll back ----------------------------------------------------------------------------------------

# Removes the new containers. Exit code 4: the previous release is still serving; 5: that failed; 1: none was serving.
abort() {
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

# Starts the containers again that were stopped because of `overlap = false`.
start_again() {
  local name stopped='' target=$SERVICES
  for name in $olds; do
    if ! running "$name"; then docker start "$name" >/dev/null || return; stopped+=" $name"; fi
  done
  SERVICES=$(former_services)
  serve_again "$stopped" || return
  SERVICES=$target
  if [ -n "$gap" ]; then began=$gap; part gap; fi
}

former_services() { cat "$releases/$(current_release)/services" 2>/dev/null || printf '%s' "$SERVICES"; }

# A started container serves once it is healthy and the proxy reaches it, perhaps at another address than before.
serve_again() {
  local service name names
  for service in $(all_services); do
    names=$(of_kind "$service" "$1") || true
    for name in $names; do healthy "$name" "$(check_of "$service")" || return; done
    if [ -z "$names" ] || [ -z "$(proxy)" ]; then continue; fi
    await 20 reached "$service" "$names" || { echo "the proxy cannot reach the old $service"; return 1; }
  done
}

# From here on a request to stop waits for the end of the job, whose directory this is (session.sh).
not_half_way() { trap '' TERM; if [ -e runner.sh ]; then : >critical; fi; }

# Starts new containers of the services $1 and switches the proxy to them; the old ones run until `finish`.
roll() {
  local services=$1 service began=$EPOCHREALTIME
  olds='' started='' gap=''
  trap 'abort "it was interrupted" || exit $?' TERM
  remove_leftovers "$(all_services)" # also of services that stay: `go_back` would take them for the previous release
  for service in $services; do olds+=" $(one_line "$(serving "$service")")"; done
  keep_assets
  for service in $services; do
    start_new "$service" || { started+=" $new"; abort "$service does not start"; return; }
    started+=" $(one_line "$new")"
  done
  part start
  healthy_all "$services" || { abort "the health gate failed"; return; }
  part health
  if [ -n "${olds// /}" ]; then settle "$started" || { abort "it did not keep running"; return; }; part settle; fi
  hook "hook before_switch" "$BEFORE_SWITCH" || { abort "the hook before_switch failed"; return; }
  not_half_way
  switch "$services" "$started" "$(still_serving "$services")" || { abort "the proxy could not be switched"; return; }
  if [ -n "$gap" ]; then began=$gap; part gap; fi
  part switch
  hook "hook after_switch" "$AFTER_SWITCH" || { go_back "the hook after_switch failed"; return; }
}

# Containers that keep serving meanwhile: none of a service that must not run twice.
still_serving() { local service; for service in $1; do one_line "$(serving "$service")"; done; }

# After the switch: the proxy back to the old containers, which still run. Exit code 4 when they serve, else 5.
go_back() {
  local service services='' back='' target=$SERVICES
  began=$EPOCHREALTIME
  started='' olds='' gap=''
  for service in $(all_services); do
    if [ -z "$(unnamed "$service")" ]; then continue; fi
    services+=" $service"
    started+=" $(one_line "$(named "$service")")"
    back+=" $(one_line "$(unnamed "$service")")"
  done
  hook "hook on_failure" "$ON_FAILURE" || true
  if [ -z "${back// /}" ]; then echo "there is no previous release to roll back to"; return 5; fi
  for service in $services; do
    if [ "$(setting "$service" 5)" = no ]; then docker stop --time 30 $(named "$service") >/dev/null || return 5; fi
  done
  docker start $back >/dev/null || return 5
  SERVICES=$(former_services)
  switch "$services" "$back" "$(still_serving "$services")" && serve_again "$back" || return 5
  drain_proxy "$DRAIN"
  docker rm -f $started >/dev/null || true
  SERVICES=$target
  restore "$(current_release)" || return 5
  record_failure "$1"
  part back
  return 4
}

# Stops and removes the old containers once they have answered their last request; nginx closes what is left after DRAIN
# seconds itself.
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
