# Brings one service to new containers: new beside old, health gate, switch of the proxy, drain, stop of the old.
# Whatever fails before the switch removes the new ones and leaves the old serving; run again, it goes on.
# A container serves when the proxy's upstream file names it; all others of the service are leftovers.
# Needs NAME, ROOT, NGINX, SERVICE, UPSTREAM (its block in the file), PORT, CHECK (shell run inside), REPLICAS, LIMIT.
upstreams=$NGINX/conf.d/$NAME.upstreams

of_service() { docker ps -a --filter "label=com.docker.compose.project=$NAME" --filter "label=com.docker.compose.service=$SERVICE" "$@" --format '{{.Names}}'; }
named() { sed -n "/^upstream $UPSTREAM /,/^}/s/^ *server \([^:]*\):.*/\1/p" "$upstreams"; }
up() { docker compose --project-directory "$ROOT" -f "$ROOT/docker-compose.yml" up -d --no-deps --no-build --no-recreate --quiet-pull --scale "$SERVICE=$1" "$SERVICE"; }
without() { grep -vxF -f <(printf '%s\n' "$1") || true; }

remove_leftovers() {
  local leftovers
  leftovers=$(of_service | without "$(of_service --filter status=running | grep -xF -f <(named) || true)")
  if [ -z "$leftovers" ]; then return; fi
  drain_proxy 60
  docker rm -f $leftovers >/dev/null
}

running() { [ "$(docker inspect --format '{{.State.Status}} {{.RestartCount}}' "$1")" = "running 0" ]; }

# A container that ended or restarts will not become healthy: say why at once, with its own last words.
healthy() {
  local deadline=$((SECONDS + LIMIT))
  until docker exec "$1" sh -c "$CHECK" >/dev/null 2>&1; do
    if ! running "$1"; then echo "$1 does not keep running; its last lines:"; break; fi
    if [ "$SECONDS" -ge "$deadline" ]; then echo "$1 is not healthy after $LIMIT s; its last lines:"; break; fi
    sleep 2
  done
  if running "$1" && [ "$SECONDS" -lt "$deadline" ]; then return; fi
  docker logs --tail 25 "$1" 2>&1 | sed 's/^/  | /'
  return 1
}

standing() { sed -n "/^upstream $UPSTREAM /,/^}/{ /^ *server /p }" "$upstreams"; }
servers() { for name in $1; do echo "    server $name:$PORT resolve max_fails=0;"; done; }

write_upstream() {
  awk -v block="upstream $UPSTREAM " -v servers="$1" '
    index($0, block) == 1 { inside = 1 }
    inside && /^ *server / { if (!written) { print servers; written = 1 } next }
    /^}/ { inside = 0 }
    { print }' "$upstreams" >"$upstreams.new"
  mv -f "$upstreams.new" "$upstreams"
}

# The proxy asks for the address of a new name only once it has loaded it, and answers 502 until it knows it; what it
# knew before it keeps over a reload. So the new ones serve beside the old ($2) for a moment, then alone.
introduce() {
  local name
  if [ -z "$2" ] || [ -z "$(proxy)" ]; then return; fi
  write_upstream "$(standing; servers "$1")" && reload_proxy || return
  for name in $1; do await 10 docker exec "$(proxy)" getent hosts "$name" >/dev/null 2>&1 || true; done
  sleep 1
}

switch() {
  cp -a "$upstreams" "$upstreams.former"
  if introduce "$1" "$2" && write_upstream "$(servers "$1")" && reload_proxy; then rm -f "$upstreams.former"; return; fi
  echo "the proxy refuses the new containers; it keeps the old ones"
  mv -f "$upstreams.former" "$upstreams"
  reload_proxy || true
  return 1
}

# Exit code 4: what served before serves on; 1: nothing did.
give_up() {
  docker rm -f $1 >/dev/null
  if [ -n "$2" ]; then return 4; fi
  return 1
}

roll() {
  local old new name
  remove_leftovers
  old=$(of_service)
  echo "starting $REPLICAS new beside $(printf '%s' "$old" | grep -c . || true) old"
  up $(($(printf '%s' "$old" | grep -c . || true) + REPLICAS)) 2>&1 | grep -v '^time=.*level=warning' || true
  new=$(of_service | without "$old")
  if [ -z "$new" ]; then echo "Docker started no new container"; return 1; fi
  for name in $new; do
    if ! healthy "$name"; then give_up "$new" "$old"; return; fi
  done
  if ! switch "$new" "$old"; then give_up "$new" "$old"; return; fi
  if [ -z "$old" ]; then return; fi
  drain_proxy 60
  docker stop --time 30 $old >/dev/null
  docker rm $old >/dev/null
}

# logs/ and data/ belong to the user of the backend's image, who is found out, not assumed (A2).
own_directories() {
  local image=$1 user; shift
  user=$(docker run --rm --network none --entrypoint sh "$image" -c 'echo "$(id -u):$(id -g)"')
  chown "$user" "$@"
  printf '%s %s\n' "$(docker image inspect --format '{{.ID}}' "$image")" "$user" >"$ROOT/.deployer/backend.user"
}
