# Tells how what stands on the host differs from a backup's list of files: a line of JSON for each path. Only reads.
# Needs ID, DIFFERENCES (the text of differences.py); archive.sh, database.sh and unpack.sh in front of it.
set -eo pipefail
said=$(missing_in "$ID")
if [ -n "$said" ]; then echo "$ID is not whole: $said"; exit 1; fi
mapfile -t names < <(swapped_items | cut -d' ' -f2-)
python3 -c "$DIFFERENCES" <(swapped_items | while read -r base name; do tree disk "$base" "$name"; done) \
  <(listing_of "$DIRECTORY/$ID" | below "${names[@]}")
