# Builds one image from a clean export of a commit: no .git, no .env (a tracked one is ignored, A10), nothing untracked.
# Runs on the host or on the operator's machine (so without anything that bash 3.2 lacks), and needs nothing secret.
# Needs SOURCE (a repository), TOOL (a directory with the guide's Dockerfiles), WORK (a directory for the export), COMMIT,
# IMAGE (the name it gets), INPUTS, CONTEXT, DOCKERFILE (or none), OWN, TARGET, ARGUMENTS, PLATFORM (or none), SLICE (or
# none: a slice of systemd in which the commands of the Dockerfile run, with little weight and not all of the memory);
# check_source.sh in front of it.
clean_up() { rm -rf "$WORK"/build.*; }
clean_up
trap clean_up EXIT
export=$(mktemp -d "$WORK/build.XXXXXX")
refuse_incomplete "$COMMIT" "$CONTEXT"
# As a clone has them: what .gitattributes says of archives is about others.
attributes=$(in_source rev-parse --absolute-git-dir)/info
mkdir -p "$attributes"
echo '* -export-ignore -export-subst' >"$attributes/attributes"
in_source archive "$COMMIT" | tar -x -C "$export"
rm -f "$export/.env"
if [ ! -d "$export/$CONTEXT" ]; then echo "the repository has no directory $CONTEXT"; exit 1; fi

file=$export/$CONTEXT/$DOCKERFILE
if [ -z "$DOCKERFILE" ] || [ ! -e "$file" ]; then file=$TOOL/$OWN; echo "using the guide's Dockerfile"; fi
words=(--progress plain --build-context "tool=$TOOL" --file "$file" --tag "$IMAGE")
words+=(--label "deployer.commit=$COMMIT" --label "deployer.inputs=$INPUTS")
if [ -n "$TARGET" ]; then words+=(--target "$TARGET"); fi
if [ -n "$PLATFORM" ]; then words+=(--platform "$PLATFORM"); fi
while IFS= read -r argument; do
  if [ -n "$argument" ]; then words+=(--build-arg "$argument"); fi
done <<<"$ARGUMENTS"

# A plain name: BuildKit in dockerd makes /SLICE/buildkit/ID of it. With a colon at its end, as dockerd's own
# cgroup-parent has it, the processes end up in system.slice together with the site (buildkit, executor/oci/spec.go; seen with
# Docker 26.1). system.slice, where the site is, has the weight 100.
if [ -n "$SLICE" ]; then
  memory=$(awk '/^MemAvailable:/ { print int($2 * 0.9) }' /proc/meminfo)
  systemctl start "$SLICE"
  systemctl set-property --runtime "$SLICE" CPUWeight=10 IOWeight=10 "MemoryMax=${memory}K"
  words+=(--cgroup-parent "$SLICE" --builder default)
fi

# Without attestations: where Docker keeps images in containerd they would make an index of several images of each.
BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker buildx build --load "${words[@]}" "$export/$CONTEXT" 2>&1 || {
  if grep -qs '^oom_kill [1-9]' "/sys/fs/cgroup/$SLICE/memory.events"; then
    echo "the kernel killed the build because memory ran out: set [build] where = \"operator\" or \"registry\" to build elsewhere"
  fi
  exit 1
}
