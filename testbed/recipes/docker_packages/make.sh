#!/bin/sh
# Make an apt repository like Docker's in /out: Debian's Docker packed again under the names of Docker's own packages.
# Runs in the image `services`; the arguments are suites such as debian/trixie.
set -eu

# Debian's name, Docker's name
names='docker.io docker-ce
docker-cli docker-ce-cli
containerd containerd.io
docker-buildx docker-buildx-plugin
docker-compose docker-compose-plugin'

# Docker's containerd.io brings runc with it.
absorb() {
    apt-get -qq download "$1"
    dpkg-deb --extract "$1"_*.deb "$2"
    rm -f "$1"_*.deb
}

pack_again() {
    old=$1 new=$2
    apt-get -qq download "$old"
    dpkg-deb --raw-extract "$old"_*.deb "$old"
    control=$old/DEBIAN/control
    version=$(sed -n 's/^Version: \([0-9.]*\).*/\1/p' "$control")
    sed -i -e "s/^Package: .*/Package: $new/" -e "s/^Version: .*/Version: 5:$version-1~debian.13~trixie/" \
        -e '/^\(Source\|Built-Using\|Static-Built-Using\|Breaks\|Replaces\|Recommends\|Suggests\|Conflicts\|Enhances\|Provides\):/d' \
        -e '/^ .*(= .*),\?$/d' "$control"
    conflicts=$old
    if [ "$new" = containerd.io ]; then
        absorb runc "$old"
        conflicts="$old, runc"
    fi
    sed -i "/^Description:/i Conflicts: $conflicts\\nReplaces: $conflicts" "$control"
    sed -i '/^Depends:/{s/ runc\( ([^)]*)\)\?\(,\|$\)//;s/,$//}' "$control"
    echo "$names" | while read -r debian docker; do
        sed -i "/^\\(Depends\\|Pre-Depends\\):/s/\\([ ,]\\)$debian\\( ([^)]*)\\)\\?\\(,\\|\$\\)/\\1$docker\\3/g" "$control"
    done
    dpkg-deb -Zgzip -z1 --root-owner-group --build "$old" /out/pool >/dev/null
    rm -rf "$old" "$old"_*.deb
}

sign() {
    rm -f "$1/InRelease" "$1/Release" "$1/Release.gpg"
    suite=${1##*/}
    apt-ftparchive -o "APT::FTPArchive::Release::Suite=$suite" -o "APT::FTPArchive::Release::Codename=$suite" \
        -o APT::FTPArchive::Release::Components=stable -o APT::FTPArchive::Release::Architectures=amd64 \
        -o APT::FTPArchive::Release::Origin=Docker -o "APT::FTPArchive::Release::Label=Docker CE" \
        release "$1" >/tmp/Release
    mv /tmp/Release "$1/Release"
    gpg --batch --quiet --clearsign --output "$1/InRelease" "$1/Release"
    gpg --batch --quiet --armor --detach-sign --output "$1/Release.gpg" "$1/Release"
}

work=$(mktemp -d)
chmod 755 "$work"
cd "$work"
mkdir -p /out/pool
apt-get -qq update
echo "$names" | while read -r debian docker; do
    pack_again "$debian" "$docker"
done

gpg --batch --quiet --passphrase '' --quick-generate-key 'Docker Release (test bed) <docker@example.com>' ed25519 sign never
for suite in "$@"; do
    distribution=${suite%/*}
    top=/out/linux/$distribution
    dist=$top/dists/${suite#*/}
    mkdir -p "$dist/stable/binary-amd64" "$top/pool"
    ln -f /out/pool/*.deb "$top/pool/"
    gpg --batch --armor --export >"$top/gpg"
    (cd "$top" && apt-ftparchive --arch amd64 packages pool) >"$dist/stable/binary-amd64/Packages"
    gzip -9 -k -f "$dist/stable/binary-amd64/Packages"
    sign "$dist"
done
rm -rf /out/pool
