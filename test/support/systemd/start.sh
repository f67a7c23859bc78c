#!/bin/sh
# systemd wants a tree of control groups of its own, and the unified one: a branch of the kernel's, seen as the whole.
set -e
umount --lazy /sys/fs/cgroup
mkdir -p /cgroups
mount -t cgroup2 none /cgroups
mkdir -p "/cgroups/$BRANCH"
echo $$ >"/cgroups/$BRANCH/cgroup.procs"
exec unshare --cgroup sh -c 'umount /cgroups; mount -t cgroup2 none /sys/fs/cgroup; exec /lib/systemd/systemd'
