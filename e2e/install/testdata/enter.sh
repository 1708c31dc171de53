#!/bin/sh
# Runs a command in a root file system, as if that were a machine of its own:
#
#     enter.sh ROOT HOME SRV COMMAND…
#
# The command finds the folder HOME as /home, and SRV as /srv. Run it in a mount and a
# pid namespace of its own. chroot would not do: in it, nobody may create user namespaces.
set -eu
root=$1 home=$2 srv=$3
shift 3
mount --bind "$root" "$root"
mount --bind "$home" "$root/home"
mount --bind "$srv" "$root/srv"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
if [ -e /dev/net/tun ]; then # on most machines, every user can open it
	mknod -m 0666 "$home/tun" c 10 200
	mount --bind "$home/tun" "$root/dev/net/tun"
	rm "$home/tun"
fi
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
cd "$root"
pivot_root . mnt
umount -l /mnt
cd /
mkdir -p /run/user
exec "$@"
