# Functions that replace the proxy's container: the one change with a gap, since two proxies cannot have the same ports.
# Needs ROOT, DOMAIN, IMAGE, and proxy.sh in front of it.
site_answers() { curl -sk -m 1 -o /dev/null --resolve "$DOMAIN:443:127.0.0.1" "https://$DOMAIN/"; }

# Writes the time of each answer into $1 until it is killed; it ends by itself should nobody be left to do that.
watch_answers() { while [ "$SECONDS" -lt 600 ]; do if site_answers; then echo "$EPOCHREALTIME" >>"$1"; fi; sleep 0.02; done; }

start_watch() {
  answers=$(mktemp)
  watch_answers "$answers" >/dev/null 2>&1 &
  watch=$!
  trap end_watch EXIT # the job would wait for it, should a command fail
  await 10 test -s "$answers" || true
}

end_watch() { kill "$watch" 2>/dev/null || true; wait "$watch" 2>/dev/null || true; rm -f "$answers"; }

# The longest time between two answers, in seconds, for a visitor who asks all the time.
longest_gap() { awk 'NR > 1 && $1 - last > gap { gap = $1 - last } { last = $1 } END { printf "%.2f", gap }' "$1"; }

report_gap() {
  await 5 site_answers || true
  sleep 0.1
  printf '\036part gap %s\n' "$(longest_gap "$answers")"
}

check_configuration() {
  docker image inspect "$IMAGE" >/dev/null 2>&1 || docker pull -q "$IMAGE"
  docker run --rm --network none -v "$NGINX:/etc/nginx/deployer:ro" "$IMAGE" nginx -t -q -c "$CONF"
}

# Sets `new`.
create_proxy() {
  docker compose --project-directory "$ROOT" -f "$ROOT/docker-compose.yml" create --no-build --no-recreate --pull never --scale nginx=2 nginx 2>&1 |
    grep -v 'level=warning' || true
  new=$(docker ps -aq --filter "label=com.docker.compose.project=$NAME" --filter label=com.docker.compose.service=nginx --filter status=created)
  if [ -z "$new" ]; then echo "Docker did not create a new container for the proxy"; return 1; fi
}

# The container $1 in place of $2; exit code 4 when $2 serves again, 5 when neither does.
swap_proxies() {
  docker stop --time 3 "$2" >/dev/null || return 1
  if docker start "$1" >/dev/null && await 15 site_answers; then docker rm "$2" >/dev/null; return; fi
  echo "the new proxy does not answer; starting the old one again"
  docker logs --tail 15 "$1" 2>&1 | sed 's/^/  | /' || true
  docker rm -f "$1" >/dev/null || true
  if docker start "$2" >/dev/null && await 15 site_answers; then return 4; fi
  return 5
}

# The new container is created first; the old one is kept until the new one answers.
replace_proxy() {
  local old new code=0
  check_configuration
  old=$(proxy)
  create_proxy
  start_watch
  swap_proxies "$new" "$old" || code=$?
  report_gap
  end_watch
  trap - EXIT
  return "$code"
}
