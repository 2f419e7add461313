#!/bin/sh
# First process of a test host: gives systemd the cgroups it wants, protects the machine's own kernel settings, runs what
# the bed left for the first boot, and becomes init. Runs at each boot (`docker restart` is a reboot).
set -eu

# These are the machine's, shared with every other host: only net.* belongs to a container.
for path in /proc/sys/kernel /proc/sys/fs; do
    mount --bind "$path" "$path"
    mount -o remount,bind,ro "$path"
done

if [ -x /testbed-first-boot ]; then
    /testbed-first-boot
    rm -f /testbed-first-boot
fi
[ ! -x /etc/testbed-every-boot ] || /etc/testbed-every-boot

# A small server: everything, /var/lib/docker too, on one file system with so much free (in memory, gone at a reboot).
if [ -s /etc/testbed-free-megabytes ]; then
    used=$(du -xsm / | cut -f1)
    new=/mnt
    mount -t tmpfs -o "size=$((used + $(cat /etc/testbed-free-megabytes)))m,mode=755" small "$new"
    tar -C / --one-file-system --exclude=./mnt -cf - . | tar -C "$new" -xf -
    mkdir -p "$new/mnt" "$new/proc" "$new/sys" "$new/dev" "$new/run" "$new/tmp"
    for path in /proc /sys /dev /run /tmp /etc/resolv.conf /etc/hosts /etc/hostname; do
        mount --rbind "$path" "$new$path"
    done
    cd "$new"
    pivot_root . mnt
    umount -l /mnt
fi

if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
    [ -w /sys/fs/cgroup/cgroup.procs ] || mount -o remount,rw /sys/fs/cgroup
    exec /sbin/init
fi

# cgroup v1: systemd 256 and later refuse it. Join a group of our own in the v2 hierarchy and see nothing above it.
group=/run/testbed-cgroup
mkdir -p "$group"
mount -t cgroup2 none "$group"
mkdir -p "$group/testbed/$(hostname)"
echo $$ >"$group/testbed/$(hostname)/cgroup.procs"
umount "$group"
rmdir "$group"
umount -R /sys/fs/cgroup
exec unshare -C sh -c 'mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec /sbin/init'
