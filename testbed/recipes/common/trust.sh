#!/bin/sh
# Make an image reach package registries as the machine that builds it does: its private certificates and registries.
# Runs in `docker build`, with the settings of the machine in the directory of this script.
set -eu
here=$(dirname "$0")
mkdir -p /usr/local/share/ca-certificates
cp "$here"/*.crt /usr/local/share/ca-certificates/ 2>/dev/null || true
update-ca-certificates >/dev/null
[ ! -s "$here/pip.conf" ] || cp "$here/pip.conf" /etc/pip.conf
if [ -s "$here/npmrc" ]; then
    cp "$here/npmrc" /etc/npmrc
    mkdir -p /usr/local/etc /usr/etc
    cp "$here/npmrc" /usr/local/etc/npmrc
    cp "$here/npmrc" /usr/etc/npmrc
fi
rm -rf "$here"
