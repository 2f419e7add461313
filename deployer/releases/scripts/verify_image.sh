# Checks an image on the host and gives it its name TAG. Every public file of the wallet is searched for each secret in
# ENV_FILE (secrets never leave the host, so this happens here wherever the image was built), and API must be in them.
# Needs CANDIDATE, TAG, STATE, ENV_FILE, API (or none: not the wallet), KEEP ("yes": CANDIDATE stays); mask.sh in front.
container=${TAG%%:*}-look
site=$STATE/look
forget() {
  docker rm -f "$container" >/dev/null 2>&1 || true
  rm -rf "$site"
  if [ "$KEEP" != yes ]; then docker rmi "$CANDIDATE" >/dev/null 2>&1 || true; fi
}

refuse() { echo "$1"; forget; exit 1; }

if [ -n "$API" ]; then
  docker rm -f "$container" >/dev/null 2>&1 || true
  rm -rf "$site"
  mkdir "$site"
  docker create --name "$container" "$CANDIDATE" >/dev/null
  docker export "$container" | tar -x -C "$site" usr/share/nginx/html 2>/dev/null ||
    refuse "the wallet's image has no /usr/share/nginx/html"
  code=0
  found=$(grep -rlF -f <(secrets_of "$ENV_FILE") "$site") || code=$?
  case $code in
    0) refuse "the wallet's public files contain a secret of $ENV_FILE: ${found//"$site/"/}" ;;
    1) ;;
    *) refuse "the wallet's public files could not be searched for secrets" ;;
  esac
  grep -rqF "$API" "$site" ||
    refuse "the wallet's files do not contain $API: check that its build reads wallet.api_url_variable"
fi
docker tag "$CANDIDATE" "$TAG"
forget
