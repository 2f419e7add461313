# Functions for the running proxy. Needs NAME and NGINX (its directory on the host).
CONF=/etc/nginx/deployer/nginx.conf
LOADED=$NGINX/../.deployer/proxy.loaded

# Not one that restarts again and again (because its files were removed, say): it reads them at its next start.
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

# Whether the container $1 has a worker that is not among $2.
has_new_worker() { [ -n "$(comm -13 <(printf '%s\n' "$2") <(workers "$1"))" ]; }

# Reload, and verify that new workers run: nginx keeps its old ones, without an error, when the configuration is invalid.
# `nginx -s` and not `docker kill -s HUP`: the latter marks the container as stopped by hand in some versions of Docker.
reload_proxy() {
  local id old
  id=$(proxy)
  if [ -z "$id" ]; then return 0; fi
  touch "$LOADED.new"
  docker exec "$id" nginx -t -q -c "$CONF" || return
  old=$(workers "$id")
  docker exec "$id" nginx -s reload -c "$CONF" || return
  await 20 has_new_worker "$id" "$old" || { echo "the proxy did not load its new configuration:"; tail -n 5 "$NGINX/logs/error.log"; return 1; }
  mv -f "$LOADED.new" "$LOADED"
}

# No output of Docker's proves nothing.
is_drained() {
  local processes
  processes=$(docker top "$1" -eo pid,args) && ! grep -q 'nginx: worker process is shutting down' <<<"$processes"
}

# Waits until no old worker has a request in flight, at most $1 seconds.
drain_proxy() {
  local id
  id=$(proxy)
  if [ -n "$id" ]; then await "$1" is_drained "$id" || echo "some requests are unfinished after $1 s; continuing without them"; fi
}
