# Installs the add-ons and waits until they serve: DNS, metrics, storage, ingress,
# and the fake kubelet for fake nodes.

metrics_served() {
    kubectl get --raw "/apis/metrics.k8s.io/v1beta1/nodes/$NODE_NAME"
}

# Asks the Ingress of the controller itself, from the machine, by host and path.
ingress_serves() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    timeout 2 bash -c 'exec 3<>"/dev/tcp/$1/80"
        printf "GET /ping HTTP/1.0\r\nHost: ready.todo-agent.test\r\n\r\n" >&3
        read -r status <&3
        [[ $status == *" 200 "* ]]' bash "$NODE_ADDRESS"
}

rolled_out() {
    kubectl --namespace "$1" rollout status "deployment/$2" --timeout=60s >&2 ||
        die "add-on $2 is not ready: $(kubectl --namespace "$1" get pods 2>&1)"
}

install_add_ons() {
    local file
    for file in dns metrics storage ingress; do
        sed "s#@STATE@#$STATE#" "$CLUSTER_DIR/add-ons/$file.yaml" |
            kubectl apply --server-side -f - >>"$STATE/log/add-ons.log"
    done
    start_component kwok
    rolled_out kube-system coredns
    rolled_out local-path-storage local-path-provisioner
    rolled_out kube-system metrics-server
    rolled_out ingress-nginx traefik
    await 30 "an answer through the ingress controller" ingress_serves
    await 60 "metrics of the node" metrics_served
}
