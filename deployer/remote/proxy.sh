# Functions for the running proxy. Needs NAME and NGINX (its directory on the host).
CONF=/etc/nginx/deployer/nginx.conf
LOADED=$NGINX/../.deployer/proxy.loaded

proxy() { docker ps -q --filter "label=com.docker.compose.project=$NAME" --filter label=com.docker.compose.service=nginx; }

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

drained() { ! docker top "$1" -eo args | grep -q 'nginx: worker process is shutting down'; }

# Waits until no old worker has a request in flight, at most $1 seconds.
drain_proxy() {
  local id
  id=$(proxy)
  if [ -n "$id" ]; then await "$1" drained "$id" || echo "requests in flight after $1 s: going on without them"; fi
}
