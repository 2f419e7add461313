# Functions for the running proxy. Needs NAME and NGINX (its directory on the host).
CONF=/etc/nginx/deployer/nginx.conf
LOADED=$NGINX/../.deployer/proxy.loaded

# One that restarts again and again (its files were removed, say) takes what it finds at its next start.
proxy() { docker ps -q --filter status=running --filter "label=com.docker.compose.project=$NAME" --filter label=com.docker.compose.service=nginx; }

workers() { docker top "$1" -eo pid,args | awk '/nginx: worker process$/ {print $1}' | sort; }

# Waits, at most $1 seconds, until the rest of the command line succeeds.
await() {
  local deadline=$((SECONDS + $1)); shift
  until "$@"; do
    if [ "$SECONDS" -ge "$deadline" ]; then return 1; fi
    sleep 0.2
  done
}

renewed() { [ -n "$(comm -13 <(printf '%s\n' "$2") <(workers "$1"))" ]; }

# Reload, and prove that new workers run: nginx keeps its old ones, silently, when the configuration is not good.
# `nginx -s` and not `docker kill -s HUP`: the latter marks the container as stopped by hand in some versions of Docker.
reload_proxy() {
  local id old
  id=$(proxy)
  if [ -z "$id" ]; then return 0; fi
  touch "$LOADED.new"
  docker exec "$id" nginx -t -q -c "$CONF" || return
  old=$(workers "$id")
  docker exec "$id" nginx -s reload -c "$CONF" || return
  await 20 renewed "$id" "$old" || { echo "the proxy did not take its new configuration:"; tail -n 5 "$NGINX/logs/error.log"; return 1; }
  mv -f "$LOADED.new" "$LOADED"
}

# No answer of Docker's is no proof.
drained() {
  local seen
  seen=$(docker top "$1" -eo pid,args) && ! grep -q 'nginx: worker process is shutting down' <<<"$seen"
}

# Waits until no old worker has a request in flight, at most $1 seconds.
drain_proxy() {
  local id
  id=$(proxy)
  if [ -n "$id" ]; then await "$1" drained "$id" || echo "requests in flight after $1 s: going on without them"; fi
}

# -- another container -------------------------------------------------------------------------------------------------

visited() { curl -sk -m 1 -o /dev/null --resolve "$DOMAIN:443:127.0.0.1" "https://$DOMAIN/"; }

# Asks until it is ended; not for ever, should nobody be left who ends it.
watch_answers() { while [ "$SECONDS" -lt 600 ]; do if visited; then echo "$EPOCHREALTIME" >>"$1"; fi; sleep 0.02; done; }

end_watch() { kill "$watch" 2>/dev/null || true; wait "$watch" 2>/dev/null || true; rm -f "$answers"; }

# The longest time between two answers to a visitor who asks all the time, in seconds.
longest_gap() { awk 'NR > 1 && $1 - last > gap { gap = $1 - last } { last = $1 } END { printf "%.2f", gap }' "$1"; }

# The one case with a gap: two proxies cannot have the same ports. The new container stands ready, the old one is kept
# until the new one answers. Needs ROOT, DOMAIN, IMAGE.
replace_proxy() {
  local old new code=0
  docker image inspect "$IMAGE" >/dev/null 2>&1 || docker pull -q "$IMAGE"
  docker run --rm --network none -v "$NGINX:/etc/nginx/deployer:ro" "$IMAGE" nginx -t -q -c "$CONF"
  old=$(proxy)
  docker compose --project-directory "$ROOT" -f "$ROOT/docker-compose.yml" create --no-build --no-recreate --pull never --scale nginx=2 nginx 2>&1 |
    grep -v 'level=warning' || true
  new=$(docker ps -aq --filter "label=com.docker.compose.project=$NAME" --filter label=com.docker.compose.service=nginx --filter status=created)
  if [ -z "$new" ]; then echo "Docker made no new container for the proxy"; return 1; fi
  answers=$(mktemp)
  watch_answers "$answers" >/dev/null 2>&1 &
  watch=$!
  trap end_watch EXIT # also where Docker fails in the middle: the job would wait for it
  await 10 test -s "$answers" || true
  docker stop --time 3 "$old" >/dev/null
  docker start "$new" >/dev/null && await 15 visited || code=4
  if [ "$code" = 4 ]; then
    echo "the new proxy does not answer; the old one is started again"
    docker logs --tail 15 "$new" 2>&1 | sed 's/^/  | /' || true
    docker rm -f "$new" >/dev/null || true
    docker start "$old" >/dev/null && await 15 visited || code=5
  else docker rm "$old" >/dev/null; fi
  await 5 visited || true
  printf '\036part gap %s\n' "$(sleep 0.1; longest_gap "$answers")"
  end_watch
  trap - EXIT
  return "$code"
}
