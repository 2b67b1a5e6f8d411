# Writes what the programs read: certificates, tokens, kubeconfigs, and the
# configuration of containerd, its network and the kubelet.
#
# Everything is made anew for each cluster and lies in its state folder, so no
# key outlives the cluster that it opens.

# Makes a key and a certificate: `certificate NAME SUBJECT CA [EXTENSIONS]`.
certificate() {
    local path=$STATE/certificates/$1 subject=$2 authority=$STATE/certificates/$3
    openssl ecparam -genkey -name prime256v1 -noout -out "$path.key"
    openssl req -new -key "$path.key" -subj "$subject" |
        openssl x509 -req -days 3650 -CA "$authority.crt" -CAkey "$authority.key" \
            -CAcreateserial -extfile <(printf '%s\n' "${4:-basicConstraints=CA:FALSE}") \
            -out "$path.crt" 2>/dev/null
}

# Makes a certificate authority: `authority NAME`.
authority() {
    local path=$STATE/certificates/$1
    openssl ecparam -genkey -name prime256v1 -noout -out "$path.key"
    openssl req -x509 -new -days 3650 -key "$path.key" -subj "/CN=$1" -out "$path.crt"
}

make_certificates() {
    mkdir -p "$STATE/certificates"
    authority ca
    authority front-proxy-ca
    certificate front-proxy /CN=front-proxy front-proxy-ca
    certificate apiserver /CN=kube-apiserver ca "subjectAltName=IP:$NODE_ADDRESS,IP:$API_ADDRESS,IP:127.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
    openssl ecparam -genkey -name prime256v1 -noout -out "$STATE/certificates/service-accounts.key"
    openssl ec -in "$STATE/certificates/service-accounts.key" -pubout \
        -out "$STATE/certificates/service-accounts.pub" 2>/dev/null
}

# Gives a user a token and a kubeconfig: `user FILE NAME [GROUP]`.
user() {
    local file=$1 name=$2 group=${3:-} token
    token="$(openssl rand -hex 16)"
    printf '%s,%s,%s,"%s"\n' "$token" "$name" "$name" "$group" >>"$STATE/tokens.csv"
    cat >"$file" <<EOF
apiVersion: v1
kind: Config
current-context: todo-agent-test
contexts:
- {name: todo-agent-test, context: {cluster: todo-agent-test, user: "$name"}}
clusters:
- name: todo-agent-test
  cluster:
    server: https://$NODE_ADDRESS:6443
    certificate-authority-data: $(base64 -w0 <"$STATE/certificates/ca.crt")
users:
- {name: "$name", user: {token: $token}}
EOF
}

make_users() {
    mkdir -p "$STATE/kubeconfigs"
    user "$STATE/kubeconfig.new" admin system:masters
    user "$STATE/kubeconfigs/kube-controller-manager" system:kube-controller-manager
    user "$STATE/kubeconfigs/kube-scheduler" system:kube-scheduler
    user "$STATE/kubeconfigs/kube-proxy" system:kube-proxy
    user "$STATE/kubeconfigs/kubelet" "system:node:$NODE_NAME" system:nodes
    user "$STATE/kubeconfigs/kwok" todo-agent-test:kwok system:masters
}

# A pod has one end of a pair of interfaces and is routed, not bridged: traffic
# between pods passes iptables even where bridges do not.
make_network_configuration() {
    mkdir -p "$STATE/network"
    cat >"$STATE/network/10-pods.conflist" <<EOF
{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [
    {
      "type": "ptp",
      "ipMasq": true,
      "ipam": {
        "type": "host-local",
        "ranges": [[{"subnet": "$POD_RANGE"}]],
        "routes": [{"dst": "0.0.0.0/0"}]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
EOF
}

make_containerd_configuration() {
    # Where this machine may not lower oom scores, every sandbox would die
    # without restrict_oom_score_adj.
    cat >"$STATE/containerd.toml" <<EOF
version = 2
root = "$STATE/containerd"
state = "/run/containerd"
oom_score = 0

[grpc]
address = "/run/containerd/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "todo-agent.test/pause:1"
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$STATE/network"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
EOF
}

make_kubelet_configuration() {
    cat >"$STATE/kubelet.yaml" <<EOF
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $NODE_ADDRESS
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
clusterDNS: [$DNS_ADDRESS]
clusterDomain: cluster.local
resolvConf: ""
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
maxPods: 200
serializeImagePulls: false
# A test's machine may be nearly full; eviction would look like a fault.
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
EOF
}

make_configuration() {
    make_certificates
    make_users
    make_network_configuration
    make_containerd_configuration
    make_kubelet_configuration
    cp "$CLUSTER_DIR/audit-policy.yaml" "$STATE/"
}
