# Pulls one image, and removes those of the same repository that no release needs any more.
# Needs REFERENCE (NAME:TAG or NAME@DIGEST) and IMAGE, the name that releases give it, without a tag.
docker pull --quiet "$REFERENCE" || {
  echo "if the registry requires a login, log in once on the host as root: sudo docker login ${REFERENCE%%/*}"
  exit 1
}
kept=$(docker image ls --no-trunc --format '{{.ID}}' --filter "reference=$IMAGE:*")
kept+=$'\n'$(docker image inspect --format '{{.Id}}' "$REFERENCE")
name=${REFERENCE%@*}
if [ "$name" = "$REFERENCE" ]; then name=${REFERENCE%:*}; fi
docker image ls --no-trunc --digests --format '{{.ID}} {{.Tag}} {{.Digest}}' "$name" | grep -vF -f <(printf '%s\n' "$kept") |
  while read -r _ tag digest; do
    if [ "$tag" != '<none>' ]; then docker rmi "$name:$tag" >/dev/null || true; fi
    if [ "$digest" != '<none>' ]; then docker rmi "$name@$digest" >/dev/null 2>&1 || true; fi
  done || true
