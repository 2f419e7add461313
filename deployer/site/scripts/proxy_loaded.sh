# Prints `loaded` when the running proxy has read the files on disk in the places WHAT below NGINX, else `stale`.
# By time: what was changed (ctime) after the container's start and after the last reload has not been read.
[ -d "$NGINX" ] && command -v docker >/dev/null || exit 0
id=$(docker ps -q --filter "label=com.docker.compose.project=$NAME" --filter label=com.docker.compose.service=nginx) || exit 3
[ -n "$id" ] || exit 0
started=$(date +%s.%N -d "$(docker inspect --format '{{.State.StartedAt}}' "$id")") || exit 3
loaded=$(stat -c %.9Y "$NGINX/../.deployer/proxy.loaded" 2>/dev/null || echo 0)
cd "$NGINX" || exit 3
# shellcheck disable=SC2086 # a list of words
latest=$(find $WHAT -type f -printf '%C@\n' | sort -n | tail -n 1)
awk -v latest="$latest" -v started="$started" -v loaded="$loaded" \
  'BEGIN { print (latest <= started || latest <= loaded) ? "loaded" : "stale" }'
