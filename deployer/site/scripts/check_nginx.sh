# Tests the new configuration together with the other files in NGINX, in a copy, in a container without a network.
# Needs NGINX, IMAGE, UPSTREAMS and UPSTREAMS_FILE (used where there is none yet) and $STAGED.
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/conf.d" "$tree/ssl"
printf '%s' "$UPSTREAMS" >"$tree/$UPSTREAMS_FILE"
if [ -d "$NGINX/conf.d" ]; then cp -a "$NGINX/conf.d/." "$tree/conf.d/"; fi
if [ -e "$NGINX/nginx.conf" ]; then cp -a "$NGINX/nginx.conf" "$tree/"; fi
cp -a "$STAGED$NGINX/." "$tree/"
if [ -e "$NGINX/ssl/fullchain.pem" ] && [ -e "$NGINX/ssl/privkey.pem" ]; then cp -a "$NGINX/ssl/." "$tree/ssl/"
else
  openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=test -keyout "$tree/ssl/privkey.pem" -out "$tree/ssl/fullchain.pem" 2>/dev/null
fi
docker run --rm --network none -v "$tree:/etc/nginx/deployer:ro" "$IMAGE" nginx -t -q -c /etc/nginx/deployer/nginx.conf
