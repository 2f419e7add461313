# Prints how the files on the host differ from a backup's list of files: a line of JSON for each path. Only reads.
# Needs ID, DIFFERENCES (the text of differences.py); archive.sh, verify.sh, database.sh and unpack.sh in front of it.
set -eo pipefail
problem=$(problem_of "$ID")
if [ -n "$problem" ]; then echo "$ID is incomplete: $problem"; exit 1; fi
mapfile -t names < <(swapped_items | cut -d' ' -f2-)
python3 -c "$DIFFERENCES" <(swapped_items | while read -r base name; do tree disk "$base" "$name"; done) \
  <(listing_of "$DIRECTORY/$ID" | below "${names[@]}")
