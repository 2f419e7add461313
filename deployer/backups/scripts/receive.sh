# Takes a backup that arrives as a tar stream on standard input. It gets its name once it is complete and verified.
# Needs ID; archive.sh and verify.sh in front of it.
set -eo pipefail
final=$DIRECTORY
staging=$final/.$ID.unfinished
install -d -m 0700 "$final"
if [ -d "$final/$ID" ] && verify_backup "$ID" >/dev/null; then cat >/dev/null; echo "$ID is on this host already, and intact"; exit; fi
rm -rf "$staging"
trap 'rm -rf "$staging"' EXIT
install -d -m 0700 "$staging" "$staging/$ID"
tar -C "$staging/$ID" -xf - --no-same-owner --no-same-permissions
chmod 600 "$staging/$ID"/*
DIRECTORY=$staging
verify_backup "$ID"
rm -rf "${final:?}/$ID"
mv -T "$staging/$ID" "$final/$ID"
sync "$final"
