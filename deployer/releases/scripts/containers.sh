# Functions for the containers of a release. A container serves when the proxy's upstream file names it; all others of its
# service are left over from an interrupted run or, between the switch and `finish`, those to roll back to.
# Needs NAME, ROOT, NGINX, DRAIN (seconds), SERVICES: a line for each service of the release with
#   SERVICE UPSTREAM PORT REPLICAS OVERLAP IMAGE CHECK…
# and proxy.sh and release.sh in front of it.
upstreams=$NGINX/conf.d/$NAME.upstreams

# Column $2 of the service $1.
setting() { awk -v service="$1" -v column="$2" '$1 == service { print $column }' <<<"$SERVICES"; }
check_of() { sed -nE "s/^$1( [^ ]+){5} //p" <<<"$SERVICES"; }
image_of() { setting "$1" 6; }
all_services() { cut -d' ' -f1 <<<"$SERVICES"; }

# Containers of the service $1; further words are options of `docker ps`.
of_service() { local service=$1; shift; docker ps -a --filter "label=com.docker.compose.project=$NAME" --filter "label=com.docker.compose.service=$service" "$@" --format '{{.Names}}'; }
# Those that the proxy's upstream file names, all others, and those named that run.
named() { sed -n "/^upstream $(setting "$1" 2) /,/^}/s/^ *server \([^:]*\):.*/\1/p" "$upstreams"; }
without() { grep -vxF -f <(printf '%s\n' "$1") || true; }
unnamed() { of_service "$1" | without "$(named "$1")"; }
serving() { of_service "$1" --filter status=running | grep -xF -f <(named "$1") || true; }

count() { printf '%s' "$1" | grep -c . || true; }
one_line() { tr '\n' ' ' <<<"$1"; }

# Of the containers $2 those of the service $1.
of_kind() { for name in $2; do [[ $name == "$NAME-$1-"* ]] && echo "$name"; done; }

# -- start ---------------------------------------------------------------------------------------------------------------

# Removes what an interrupted roll-out left: never a container that serves. Its last requests may still run.
remove_leftovers() {
  local service leftovers=
  rm -f "$upstreams.new" "$upstreams.former"
  for service in $1; do
    if [ "$(setting "$service" 5)" = no ]; then leftovers+=" $(unnamed "$service")"
    else leftovers+=" $(of_service "$service" | without "$(serving "$service")")"; fi
  done
  if [ -n "${leftovers// /}" ]; then
    echo "removing containers that an earlier run left: $(one_line "$leftovers")"
    drain_proxy "$DRAIN"
    docker rm -f $leftovers >/dev/null
  fi
  for service in $1; do if [ "$(setting "$service" 5)" = no ]; then start_stopped "$service"; fi; done
}

# A container that must not run twice was stopped for a new one that never served: the proxy still names it.
start_stopped() {
  local stopped
  stopped=$(of_service "$1" --filter status=exited | grep -xF -f <(named "$1") || true)
  if [ -n "$stopped" ]; then docker start $stopped >/dev/null || true; fi
}

create() { docker compose --project-directory "$ROOT" -f "$ROOT/docker-compose.yml" create --no-build --no-recreate --pull never --scale "$1=$2" "$1"; }

tag_current() { docker tag "$(image_of "$1")" "$(image_of "$1" | cut -d: -f1):current"; }

# Starts new containers of the service $1 alongside those that serve, and sets `new`. They are created first and started
# then: `up` would start a stopped one as well.
start_new() {
  local service=$1 old
  old=$(of_service "$service")
  tag_current "$service"
  create "$service" $(($(count "$old") + $(setting "$service" 4))) 2>&1 | grep -v 'level=warning' || true
  new=$(of_service "$service" | without "$old")
  if [ -z "$new" ]; then echo "Docker did not create a new container for $service"; return 1; fi
  if [ "$(setting "$service" 5)" = no ]; then stop_serving "$service"; fi
  docker start $new >/dev/null
  echo "$service: $(one_line "$new")"
}

# For a service that must never run twice: the gap begins here.
stop_serving() {
  local old
  old=$(serving "$1")
  if [ -z "$old" ]; then return; fi
  echo "stopping the old $1 first (overlap = false): it does not answer until the new one is healthy"
  # shellcheck disable=SC2034 # roll_out.sh reports how long it was
  gap=$EPOCHREALTIME
  docker stop --time 30 $old >/dev/null
}

# Gives the directories $2… to the user of the image $1, which is determined, not assumed (A2). Docker loses the output of
# a short-lived container now and then ("reading from a closed fifo"), so several tries are made.
own_directories() {
  local image=$1 user='' tries; shift
  for ((tries = 5; tries > 0; tries--)); do
    user=$(docker run --rm --network none --entrypoint sh "$image" -c 'echo "$(id -u):$(id -g)"')
    if [[ $user =~ ^[0-9]+:[0-9]+$ ]]; then break; fi
  done
  if [ -z "$user" ]; then echo "Docker did not report which user $image runs as"; return 1; fi
  chown "$user" "$@"
  printf '%s %s\n' "$(docker image inspect --format '{{.ID}}' "$image")" "$user" >>"$users"
  tail -n 50 "$users" >"$users.new" && mv -f "$users.new" "$users"
}
