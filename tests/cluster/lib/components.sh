# Starts and stops the programs of the cluster, one by one.
#
# Each runs inside the namespaces in a session of its own, with its log in
# log/NAME.log and its process id (of the namespace) in run/NAME.pid.

# In the order of their start; they stop in the reverse order.
COMPONENTS=(etcd containerd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kwok)

# Sets `command` to a component's command line.
command_of() {
    local certificates=$STATE/certificates binaries
    binaries="$(program_folder kubernetes)"
    case $1 in
        etcd)
            command=("$binaries/etcd" --name=etcd --data-dir="$STATE/etcd" --unsafe-no-fsync
                --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379
                --listen-peer-urls=http://127.0.0.1:2380 --log-level=warn)
            ;;
        containerd) command=(containerd --config "$STATE/containerd.toml") ;;
        kube-apiserver)
            # Without a grace period it waits a minute for watches to end by themselves.
            # The audit log of one cluster stays in one file: a reader in the
            # middle of it must not meet a rotation.
            # shellcheck disable=SC2054 # the comma is in an option
            command=("$binaries/kube-apiserver" --etcd-servers=http://127.0.0.1:2379
                --advertise-address="$NODE_ADDRESS" --secure-port=6443
                --tls-cert-file="$certificates/apiserver.crt"
                --tls-private-key-file="$certificates/apiserver.key"
                --client-ca-file="$certificates/ca.crt" --token-auth-file="$STATE/tokens.csv"
                --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction
                --allow-privileged=true --profiling=false
                --audit-policy-file="$STATE/audit-policy.yaml"
                --audit-log-path="$AUDIT_LOG" --audit-log-maxsize=1024 --audit-log-maxbackup=1
                --shutdown-watch-termination-grace-period=2s
                --service-account-issuer=https://kubernetes.default.svc.cluster.local
                --service-account-key-file="$certificates/service-accounts.pub"
                --service-account-signing-key-file="$certificates/service-accounts.key"
                --service-cluster-ip-range="$SERVICE_RANGE"
                --kubelet-preferred-address-types=InternalIP
                --requestheader-client-ca-file="$certificates/front-proxy-ca.crt"
                --requestheader-allowed-names=front-proxy
                --requestheader-extra-headers-prefix=X-Remote-Extra-
                --requestheader-group-headers=X-Remote-Group
                --requestheader-username-headers=X-Remote-User
                --proxy-client-cert-file="$certificates/front-proxy.crt"
                --proxy-client-key-file="$certificates/front-proxy.key")
            ;;
        kube-controller-manager)
            command=("$binaries/kube-controller-manager" --leader-elect=false
                --kubeconfig="$STATE/kubeconfigs/$1" --use-service-account-credentials=true
                --service-account-private-key-file="$certificates/service-accounts.key"
                --root-ca-file="$certificates/ca.crt" --profiling=false
                --kube-api-qps=1000 --kube-api-burst=2000)
            ;;
        kube-scheduler)
            command=("$binaries/kube-scheduler" --leader-elect=false --profiling=false
                --kubeconfig="$STATE/kubeconfigs/$1" --kube-api-qps=1000 --kube-api-burst=2000)
            ;;
        kubelet)
            command=("$binaries/kubelet" --config="$STATE/kubelet.yaml"
                --kubeconfig="$STATE/kubeconfigs/$1" --hostname-override="$NODE_NAME"
                --node-ip="$NODE_ADDRESS")
            ;;
        kube-proxy)
            # conntrack's limits belong to the machine, not to this network.
            command=("$binaries/kube-proxy" --kubeconfig="$STATE/kubeconfigs/$1"
                --hostname-override="$NODE_NAME" --cluster-cidr="$POD_RANGE" --oom-score-adj=0
                --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0
                --conntrack-tcp-timeout-close-wait=0)
            ;;
        kwok)
            command=("$(program_folder kwok)/kwok" --kubeconfig="$STATE/kubeconfigs/$1"
                --config="$(program_folder kwok)/kwok.yaml" --manage-nodes-with-label-selector=type=kwok
                --node-lease-duration-seconds=40)
            ;;
        *) die "no component $1 (there are: ${COMPONENTS[*]})" ;;
    esac
}

# Says whether a component runs.
component_runs() {
    local pid
    pid="$(cat "$STATE/run/$1.pid" 2>/dev/null)" || return 1
    inside kill -0 "$pid" 2>/dev/null
}

# Starts a component unless it runs; does not wait until it is ready.
start_component() {
    local command
    command_of "$1"
    component_runs "$1" && return 0
    (
        close_descriptors
        # shellcheck disable=SC2016 # expanded by the inner shell
        inside env -i PATH="$PATH" HOME=/root setsid --fork sh -c \
            'echo $$ >"$1"; log=$2; shift 2; exec "$@" </dev/null >>"$log" 2>&1' \
            sh "$STATE/run/$1.pid" "$STATE/log/$1.log" "${command[@]}"
    )
}

# Stops a component and waits until it is gone; after 15 seconds it is killed
# (without etcd, the API server would take a minute).
# A second argument names another signal than TERM.
stop_component() {
    local pid signal=${2:-TERM}
    pid="$(cat "$STATE/run/$1.pid" 2>/dev/null)" || return 0
    # shellcheck disable=SC2016 # expanded by the inner shell
    inside sh -c '
        kill "-$2" "$1" 2>/dev/null || exit 0
        kill -CONT "$1" 2>/dev/null # who was paused hears it too
        tries=0
        while kill -0 "$1" 2>/dev/null; do
            tries=$((tries + 1))
            if [ "$tries" -eq 150 ]; then kill -KILL "$1"; fi
            sleep 0.1
        done' sh "$pid" "$signal"
    rm -f "$STATE/run/$1.pid"
}

api_server_ready() { kubectl get --raw /readyz; }

# Stops everything that runs, in order, and waits for each.
stop_components() {
    local index
    for ((index = ${#COMPONENTS[@]} - 1; index >= 0; index--)); do
        stop_component "${COMPONENTS[index]}"
    done
}
