#!/bin/sh
# As in the official image: scripts in /docker-entrypoint.d run before nginx starts.
set -e
if [ "$1" = nginx ]; then
    for script in /docker-entrypoint.d/*.sh; do
        [ ! -x "$script" ] || "$script"
    done
fi
exec "$@"
