#!/bin/busybox sh
# The first process of the guest: drivers, interfaces, the test, power off.
export PATH=/usr/bin:/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
mount -t tmpfs tmp /tmp
for module in @MODULES@; do
    insmod "/modules/$module.ko" || echo "no module $module"
done
# Not the `ip` of busybox, which knows no CAN.
ip=/usr/bin/ip
for interface in can0 can1; do
    $ip link set "$interface" type can bitrate 500000 berr-reporting on
    $ip link set "$interface" txqueuelen 100
    $ip link set "$interface" up
done
$ip link add vcan0 type vcan && $ip link set vcan0 up
$ip link set lo up
export BUSBAR_HOME=/busbar
BUSBAR_CAN_GUEST=1 RUST_BACKTRACE=1 /test --test-threads 1 --color never @ARGS@
echo "busbar can-guest: test ended with $?"
sync
poweroff -f
