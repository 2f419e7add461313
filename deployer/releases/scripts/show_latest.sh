# Prints the latest commit of REF (a branch, a tag, or a commit's id) at the remote; `remote` is a function that lists its
# refs. With LOG=yes then whether the clone in SOURCE has it (`known` or `new`), and the commits, latest first, that the
# serving release (`serving` prints its commit) does not have.
refs=$(remote) || exit
commit=$(awk -v ref="$REF" '$2 == "refs/heads/" ref { head = $1 } $2 == "refs/tags/" ref "^{}" { peeled = $1 }
  $2 == "refs/tags/" ref { tag = $1 } END { print head ? head : peeled ? peeled : tag }' <<<"$refs")
in_clone() { git -c safe.directory='*' -C "$SOURCE" "$@" 2>/dev/null; }
if [ -z "$commit" ] && [[ $REF =~ ^[0-9a-f]{7,40}$ ]]; then
  commit=$(in_clone rev-parse --verify --quiet "$REF^{commit}")
  if [ -z "$commit" ] && [ "${#REF}" = 40 ]; then commit=$REF; fi
fi
if [ -n "$commit" ]; then echo "$commit"; fi
if [ "$LOG" != yes ] || [ -z "$commit" ]; then exit 0; fi
if ! in_clone cat-file -e "$commit^{commit}"; then echo new; exit 0; fi
echo known
serving=$(serving) || exit
if [ -n "$serving" ]; then in_clone log --no-decorate --format='%h %s (%an)' -n 50 "$serving..$commit" || true; fi
