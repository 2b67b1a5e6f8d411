# Installs the add-ons and waits until they serve: DNS, metrics, storage, and
# the fake kubelet for fake nodes.

metrics_served() {
    kubectl get --raw "/apis/metrics.k8s.io/v1beta1/nodes/$NODE_NAME"
}

rolled_out() {
    kubectl --namespace "$1" rollout status "deployment/$2" --timeout=60s >&2 ||
        die "add-on $2 is not ready: $(kubectl --namespace "$1" get pods 2>&1)"
}

install_add_ons() {
    local file
    for file in dns metrics storage; do
        sed "s#@STATE@#$STATE#" "$CLUSTER_DIR/add-ons/$file.yaml" |
            kubectl apply --server-side -f - >>"$STATE/log/add-ons.log"
    done
    start_component kwok
    rolled_out kube-system coredns
    rolled_out local-path-storage local-path-provisioner
    rolled_out kube-system metrics-server
    await 60 "metrics of the node" metrics_served
}
