# Functions that point the proxy at other containers. Needs proxy.sh and containers.sh in front of it.

# A server keeps its line in the upstream file: an older release may have had another port.
servers() {
  for name in $2; do
    grep -F " server $name:" "$upstreams.former" || echo "    server $name:$(setting "$1" 3) resolve max_fails=0;"
  done
}

# Puts the containers $2 into the upstream of the service $1, in the new file.
rewrite_upstream() {
  awk -v block="upstream $(setting "$1" 2) " -v servers="$(servers "$1" "$2")" '
    index($0, block) == 1 { inside = 1 }
    inside && /^ *server / { if (!written) { print servers; written = 1 } next }
    /^}/ { inside = 0 }
    { print }' "$upstreams.new" >"$upstreams.next"
  mv -f "$upstreams.next" "$upstreams.new"
}

# All services into one new file: a release is switched at once.
write_upstreams() {
  local service
  cp -a "$upstreams" "$upstreams.new"
  for service in $1; do rewrite_upstream "$service" "$(of_kind "$service" "$2")"; done
  mv -f "$upstreams.new" "$upstreams"
}

address_of() { docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"; }

# Whether the proxy reaches the containers $2 of the service $1: requests from inside its network, enough for each server
# to have its turn.
reached() {
  local service=$1 met tries
  tries=$(($(count "$(named "$service")") * 3))
  met=$(for ((; tries > 0; tries--)); do
    nsenter -t "$(docker inspect --format '{{.State.Pid}}' "$(proxy)")" -n \
      curl -s -m 5 -o /dev/null -D - "http://127.0.0.1:8404/$(setting "$service" 2)" | sed -n 's/^X-Reached: *//Ip'
  done)
  for name in $2; do grep -qF "$(address_of "$name"):" <<<"$met" || return; done
}

# nginx resolves a new name only after it has loaded it, and answers 502 until it has the address; known addresses
# survive a reload. So the new containers serve alongside the old ones until the proxy reaches them, then alone.
add_servers() {
  local service
  write_upstreams "$1" "$2 $3" && reload_proxy || return
  for service in $1; do
    await 20 reached "$service" "$(of_kind "$service" "$2")" || { echo "the proxy cannot reach the new $service"; return 1; }
  done
}

# Switches the services $1 to the containers $2, from the containers $3 or from none.
switch() {
  cp -a "$upstreams" "$upstreams.former"
  if { [ -z "${3// /}" ] || [ -z "$(proxy)" ] || add_servers "$1" "$2" "$3"; } && write_upstreams "$1" "$2" && reload_proxy; then
    rm -f "$upstreams.former"
    return
  fi
  echo "the proxy rejected the new containers and keeps the old ones"
  mv -f "$upstreams.former" "$upstreams"
  reload_proxy || true
  return 1
}
