# Makes a bare Debian in $1 the machine's: called by mmdebstrap, with the place for the kernel in $2 and the directory of
# this file in $3.
set -e
cd "$1"

# The kernel for clouds, without its package's scripts, which would make an initial RAM disk.
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p')
(cd tmp && apt-get --quiet --quiet --option APT::Sandbox::User=root download "$kernel")
dpkg-deb --extract tmp/linux-image-*.deb tmp/kernel
mv tmp/kernel/boot/vmlinuz-* "$2"
mkdir -p usr/lib/modules
mv tmp/kernel/lib/modules/* usr/lib/modules
rm -r tmp/kernel tmp/linux-image-*.deb
chroot . depmod "$(ls usr/lib/modules)"

echo gantry >etc/hostname
echo '127.0.0.1 localhost gantry' >etc/hosts
echo 0123456789abcdef0123456789abcdef >etc/machine-id
mkdir gantry
useradd --root "$1" --create-home --shell /bin/sh mary
mkdir -p var/lib/systemd/linger
touch var/lib/systemd/linger/mary

units=etc/systemd/system
mkdir -p $units/user@.service.d $units/multi-user.target.wants
printf '[Service]\nDelegate=cpu cpuset io memory pids\n' >$units/user@.service.d/delegate.conf
cp "$3/gantry.service" $units
ln -s ../gantry.service $units/multi-user.target.wants

# What only costs time in a machine that lives for one command.
for unit in apparmor.service console-getty.service getty@tty1.service serial-getty@ttyS0.service \
  kmod-static-nodes.service modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service \
  modprobe@efi_pstore.service modprobe@fuse.service modprobe@loop.service \
  systemd-binfmt.service systemd-journal-flush.service systemd-modules-load.service systemd-networkd.service \
  systemd-pstore.service systemd-random-seed.service systemd-sysusers.service systemd-update-utmp.service \
  systemd-update-utmp-runlevel.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  e2scrub_all.timer fstrim.timer systemd-tmpfiles-clean.timer; do
  ln -sf /dev/null $units/$unit
done
rm -rf usr/share/doc usr/share/man usr/share/locale
