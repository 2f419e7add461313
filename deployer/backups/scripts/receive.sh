# Takes a backup that arrives as a tar stream on standard input; it is seen under its name when it is whole and verified.
# Needs ID; archive.sh in front of it.
set -eo pipefail
here=$DIRECTORY
install -d -m 0700 "$here"
if [ -d "$here/$ID" ] && verify_backup "$ID" >/dev/null; then cat >/dev/null; echo "$ID lies here already, and is whole"; exit; fi
DIRECTORY=$here/.$ID.unfinished
rm -rf "$DIRECTORY"
trap 'rm -rf "$here/.$ID.unfinished"' EXIT
install -d -m 0700 "$DIRECTORY" "$DIRECTORY/$ID"
tar -C "$DIRECTORY/$ID" -xf - --no-same-owner --no-same-permissions
chmod 600 "$DIRECTORY/$ID"/*
verify_backup "$ID"
rm -rf "${here:?}/$ID"
mv -T "$DIRECTORY/$ID" "$here/$ID"
sync "$here"
