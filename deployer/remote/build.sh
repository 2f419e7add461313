# Builds one image from a clean export of the clone's commit: no .git, no .env (a tracked one is ignored, A10), nothing
# untracked. For the wallet the built site is searched for every secret that stands in ENV_FILE, and must hold the API's
# address; the image gets its name TAG only then.
# Needs SOURCE, STATE, ENV_FILE, COMMIT, IMAGE, TAG, INPUTS, CONTEXT, DOCKERFILE (or none), OWN, TARGET, ARGUMENTS, API
# (or none); and mask.sh in front of it.
unproved=$IMAGE:unproved
container=$IMAGE-look
clean_up() {
  docker rm -f "$container" >/dev/null 2>&1 || true
  docker rmi "$unproved" >/dev/null 2>&1 || true
  rm -rf "$STATE"/build.*
}
clean_up
export=$(mktemp -d "$STATE/build.XXXXXX")
trap clean_up EXIT
git -c safe.directory='*' -C "$SOURCE" archive "$COMMIT" | tar -x -C "$export"
rm -f "$export/.env"
if [ ! -d "$export/$CONTEXT" ]; then echo "the repository has no directory $CONTEXT"; exit 1; fi

file=$export/$CONTEXT/$DOCKERFILE
if [ -z "$DOCKERFILE" ] || [ ! -e "$file" ]; then file=$STATE/docker/$OWN; echo "using the guide's Dockerfile"; fi
words=(--progress plain --build-context "tool=$STATE/docker" --file "$file" --tag "$unproved")
words+=(--label "deployer.commit=$COMMIT" --label "deployer.inputs=$INPUTS")
if [ -n "$TARGET" ]; then words+=(--target "$TARGET"); fi
while IFS= read -r argument; do
  if [ -n "$argument" ]; then words+=(--build-arg "$argument"); fi
done <<<"$ARGUMENTS"
docker buildx build --load "${words[@]}" "$export/$CONTEXT" 2>&1

if [ -n "$API" ]; then
  mkdir "$export/.site"
  docker create --name "$container" "$unproved" >/dev/null
  docker export "$container" | tar -x -C "$export/.site" usr/share/nginx/html 2>/dev/null ||
    { echo "the wallet's image has no /usr/share/nginx/html"; exit 1; }
  if found=$(grep -rlF -f <(secrets_of "$ENV_FILE") "$export/.site"); then
    echo "the wallet's public files hold a secret of $ENV_FILE: ${found//"$export/.site/"/}"; exit 1
  fi
  grep -rqF "$API" "$export/.site" ||
    { echo "the wallet's files do not hold $API: is wallet.api_url_variable the name its build reads?"; exit 1; }
fi
docker tag "$unproved" "$TAG"
