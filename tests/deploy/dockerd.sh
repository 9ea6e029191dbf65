#!/usr/bin/env bash
# A Docker engine in the namespaces that it is started in; it ends when it is asked to. FOLDER holds root/, the
# unpacked packages, and keeps the images.
set -euo pipefail
folder=$1
mkdir -p "$folder/run" "$folder/data"
rm -f "$folder"/run/*.pid "$folder/run/pid"
mount --make-rshared /
ip link set lo up
sysctl -qw net.ipv4.ip_forward=1
mount -t tmpfs tmpfs /run/netns 2> /dev/null || true
export PATH=$folder/root/usr/bin:$folder/root/usr/sbin:$PATH
exec dockerd --data-root "$folder/data" --exec-root "$folder/run/exec" --pidfile "$folder/run/pid" \
    --host "unix://$folder/run/docker.sock" --cgroup-parent /dataflow-compose --bip 10.210.0.1/24 \
    --storage-driver overlay2 --init-path "$folder/root/usr/bin/docker-init" > "$folder/dockerd.log" 2>&1
