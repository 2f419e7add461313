# Prints for the proxy's configuration and its certificate whether the running one has read what is on disk: `loaded` or
# `stale`, a line NAME=STATE each; nothing where none runs. What was changed (ctime) after the container's start and after
# the last reload has not been read. Needs NAME and NGINX.
[ -d "$NGINX" ] && command -v docker >/dev/null || exit 0
id=$(docker ps -q --filter "label=com.docker.compose.project=$NAME" --filter label=com.docker.compose.service=nginx) || exit 3
[ -n "$id" ] || exit 0
started=$(docker inspect --format '{{.State.StartedAt}}' "$id") && started=$(date +%s.%N -d "$started") || exit 3
loaded=$(stat -c %.9Y "$NGINX/../.deployer/proxy.loaded" 2>/dev/null || echo 0)
cd "$NGINX" || exit 3
find nginx.conf conf.d ssl -type f -printf '%C@ %p\n' | awk -v started="$started" -v loaded="$loaded" '
  { what = $2 ~ /^ssl/ ? "certificate" : "configuration"; if ($1 > started && $1 > loaded) stale[what] = 1 }
  END {
    print "configuration=" (stale["configuration"] ? "stale" : "loaded")
    print "certificate=" (stale["certificate"] ? "stale" : "loaded") }'
