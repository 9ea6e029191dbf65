#!/usr/bin/env bash
# One real Kubernetes node in namespaces of its own; node.py starts it as root. It ends when FOLDER/stop appears,
# or with the namespace: nothing of it stays on the machine but FOLDER and empty cgroups.
set -u
folder=$1 hyper=$2 address=10.200.0.1
cd "$folder" || exit 1

namespaces() {
    mount --make-rshared /
    hostname node1
    printf '127.0.0.1 localhost\n%s node1\n' "$address" > hosts
    mount --bind hosts /etc/hosts
    echo "nameserver 10.202.0.10" > resolv.conf
    ip link set lo up
    ip addr add 10.202.0.10/32 dev lo # names.py answers there
    ip link add node0 type bridge && ip addr add $address/24 dev node0 && ip link set node0 up
    ip route add default via 10.200.0.254 dev node0 # leads nowhere: kubelet and pods want a default route
    sysctl -qw net.ipv4.ip_forward=1
}

folders() {
    mkdir -p kubelet cni-state run cni logs /var/lib/kubelet /var/lib/cni /run/netns /opt/cni/bin /var/log/pods /var/log/containers
    mount --bind kubelet /var/lib/kubelet && mount --bind cni-state /var/lib/cni
    for d in /run/netns /var/log/pods /var/log/containers; do mount -t tmpfs tmpfs $d; done
    mount --make-rshared /var/lib/kubelet
    # The kubelet would set these for the whole machine: it gets copies to set.
    for f in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
        mkdir -p "run/sys/$(dirname $f)"
        cat "/proc/sys/$f" > "run/sys/$f" && mount --bind "run/sys/$f" "/proc/sys/$f"
    done
    for c in /sys/fs/cgroup/*/; do mkdir -p "$c/dataflow-node" 2> /dev/null; done # cgroup v1
    for f in cpuset.cpus cpuset.mems; do cat /sys/fs/cgroup/cpuset/$f > /sys/fs/cgroup/cpuset/dataflow-node/$f; done
}

credentials() {
    openssl genrsa -out sa.key 2048 2> /dev/null
    # By this certificate the programs that serve parts of the API know that it is the API server that asks them.
    openssl req -x509 -newkey rsa:2048 -nodes -keyout front.key -out front.crt -subj /CN=front -days 30 2> /dev/null
    echo 'test-token,admin,admin,"system:masters"' > tokens.csv
    cat > kubeconfig << T
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: test-token}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
T
}

configuration() {
    cat > containerd.toml << T
version = 2
root = "$folder/containerd"
state = "$folder/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "$folder/run/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$folder/cni"
T
    cat > cni/10-bridge.conflist << T
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true, "ipam": {
    "type": "host-local", "ranges": [[{"subnet": "10.201.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
T
    cat > kubelet.yaml << T
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
cgroupRoot: /dataflow-node
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
containerRuntimeEndpoint: unix://$folder/run/containerd.sock
evictionHard: {memory.available: "100Mi", nodefs.available: "1%", imagefs.available: "1%", nodefs.inodesFree: "1%"}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
localStorageCapacityIsolation: false
resolvConf: $folder/resolv.conf
clusterDomain: cluster.local
clusterDNS: ["10.202.0.10"]
serializeImagePulls: false
nodeStatusUpdateFrequency: 5s
T
}

run() { # LOG PROGRAM...
    local log=$1
    shift
    "$@" > "logs/$log" 2>&1 &
}

control_plane() {
    run etcd etcd --data-dir etcd --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
        --listen-peer-urls http://127.0.0.1:2380 --unsafe-no-fsync
    run apiserver "$hyper" apiserver --etcd-servers http://127.0.0.1:2379 --bind-address 0.0.0.0 --advertise-address $address \
        --secure-port 6443 --cert-dir certs --token-auth-file tokens.csv --authorization-mode RBAC --allow-privileged \
        --service-cluster-ip-range 10.202.0.0/24 --service-account-issuer https://kubernetes.default.svc \
        --service-account-key-file sa.key --service-account-signing-key-file sa.key \
        --proxy-client-cert-file front.crt --proxy-client-key-file front.key --requestheader-client-ca-file front.crt \
        --client-ca-file front.crt \
        --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group \
        --requestheader-extra-headers-prefix X-Remote-Extra-
    until curl -sk https://127.0.0.1:6443/readyz -H 'Authorization: Bearer test-token' | grep -q ok; do sleep 0.5; done
    run controllers "$hyper" controllers --kubeconfig kubeconfig --service-account-private-key-file sa.key \
        --root-ca-file certs/apiserver.crt --cluster-cidr 10.201.0.0/24 --leader-elect=false --bind-address 127.0.0.1 \
        --horizontal-pod-autoscaler-sync-period=5s
    run scheduler "$hyper" scheduler --kubeconfig kubeconfig --leader-elect=false --bind-address 127.0.0.1
}

node() {
    run kubelet "$hyper" kubelet --config kubelet.yaml --kubeconfig kubeconfig --hostname-override node1 --node-ip $address \
        --root-dir /var/lib/kubelet
    run proxy "$hyper" proxy --kubeconfig kubeconfig --cluster-cidr 10.201.0.0/24 --proxy-mode iptables \
        --conntrack-max-per-core 0 --conntrack-min 0 --hostname-override node1 --bind-address $address
}

namespaces
folders
credentials
configuration
run containerd containerd -c containerd.toml
control_plane
node
touch up
while [ ! -f stop ]; do sleep 1; done # the namespace, and all in it, ends with this script
