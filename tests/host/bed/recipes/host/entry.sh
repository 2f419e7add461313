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
