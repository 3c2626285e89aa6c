/**
 * The first program of a machine, run by busybox from memory: it loads the drivers of the disk, lays what the seed brings over
 * the root and hands over. Addresses are set here, so that no program has to ask for them: that saves seconds of every start.
 * Everything that differs between machines comes in the seed as files; nothing of it becomes a part of this text.
 */
export const INIT_SCRIPT = `#!/bin/busybox sh
b=/bin/busybox
fail() { $b echo "shoal: $*" >/dev/console; $b sleep 2; $b poweroff -f; }
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev || fail 'no /dev'
while read -r module; do
  $b insmod "/modules/$module" || $b echo "shoal: no $module" >/dev/console
done </modules/order
n=0
until [ -b /dev/vda ]; do
  n=$((n + 1))
  [ $n -gt 600 ] && fail 'there is no disk'
  $b sleep 0.1
done
$b mount -t ext4 -o rw /dev/vda /root || fail 'cannot mount the disk'
[ -d /seed/root ] && $b cp -a /seed/root/. /root/
read -r address gateway user </seed/network
$b ip link set lo up
$b ip link set eth0 up
$b ip address add "$address" dev eth0 || fail 'no network'
[ "$gateway" = - ] || $b ip route add default via "$gateway"
if [ "$user" != root ]; then
  if ! $b grep -q "^$user:" /root/etc/passwd; then
    $b echo "$user:x:1000:1000::/home/$user:/bin/bash" >>/root/etc/passwd
    $b echo "$user:x:1000:" >>/root/etc/group
    $b echo "$user:*:20000:0:99999:7:::" >>/root/etc/shadow
  fi
  $b chown -R 1000:1000 "/root/home/$user"
fi
$b hostname -F /root/etc/hostname
$b umount /sys /proc
$b mount -o move /dev /root/dev
exec $b switch_root /root /sbin/init
`
