#!/bin/sh
# Becomes systemd, in namespaces of its own that the caller made (unshare): a root in memory, this machine's /usr with a
# package's laid over it, and nothing of /etc, /var and /run. $1: an empty folder; $2: the unpacked package.
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$1"
cd "$1"
mkdir -p usr etc/systemd/system var/lib var/log var/tmp run tmp proc sys dev root old
mount -t overlay overlay -o "lowerdir=$2/usr:/usr" usr
for name in bin sbin lib lib64; do ln -s "usr/$name" "$name"; done
cp -a "$2/etc/." etc/
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n' > etc/passwd
printf 'root:x:0:\nnogroup:x:65534:\n' > etc/group
printf 'passwd: files\ngroup: files\n' > etc/nsswitch.conf
echo 00000000000000000000000000000001 > etc/machine-id
# What would reach beyond the namespaces, or waits for devices that there are not.
for unit in systemd-sysctl systemd-udevd systemd-udev-trigger systemd-remount-fs systemd-binfmt systemd-modules-load \
	systemd-logind systemd-tmpfiles-setup-dev console-getty getty@ systemd-timesyncd systemd-random-seed \
	systemd-update-utmp systemd-update-utmp-runlevel systemd-journal-flush; do
	ln -s /dev/null "etc/systemd/system/$unit.service"
done
for unit in dev-hugepages sys-kernel-debug sys-kernel-tracing sys-fs-fuse-connections; do
	ln -s /dev/null "etc/systemd/system/$unit.mount"
done
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t sysfs -o ro sysfs sys
mount -t tmpfs tmpfs dev
mkdir dev/pts dev/shm
ln -s pts/ptmx dev/ptmx
for node in null zero full random urandom tty; do
	touch "dev/$node"
	mount --bind "/dev/$node" "dev/$node"
done
mount -t tmpfs tmpfs dev/shm
mount -t cgroup2 cgroup2 sys/fs/cgroup
pivot_root . old
cd /
umount -l /old
# As on a machine of its own: credentials are mounted by one process and seen by another.
mount --make-rshared /
exec env -i container=kerbwatch PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=multi-user.target
