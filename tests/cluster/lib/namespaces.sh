# The cluster's own network, process and mount namespaces.
#
# Its first process holds them. When that is killed the kernel kills every
# process of the cluster, containers included, and takes their mounts,
# interfaces and iptables chains along: nothing can stay behind by mistake.

# Folders whose paths Kubernetes and containerd do not let one choose. Inside,
# each is a folder of the state; the machine's own stay untouched.
FIXED_FOLDERS=(/run/containerd /run/netns /var/lib/kubelet /var/lib/cni
    /var/log/pods /var/log/containers)

# Starts the namespaces and joins them to the machine.
create_namespaces() {
    local unshare_pid pid folder
    : >"$STATE/made-folders"
    for folder in "${FIXED_FOLDERS[@]}"; do
        mkdir -p "$STATE/root$folder"
        [ -d "$folder" ] || { echo "$folder" >>"$STATE/made-folders" && mkdir -p "$folder"; }
    done

    # Its own session: ending the caller's group must not end the cluster.
    (
        close_descriptors
        exec env -i PATH="$PATH" TODO_AGENT_CLUSTER_STATE="$STATE" \
            setsid unshare --net --pid --fork --mount --mount-proc \
            bash "$CLUSTER_DIR/lib/first-process.sh" "$STATE" "${FIXED_FOLDERS[@]}"
    ) </dev/null >"$STATE/log/first-process.log" 2>&1 &
    unshare_pid=$!
    await 5 "the cluster's first process" test -e "$STATE/first-process.ready"
    # The file has no line end, which `read` takes for an error.
    read -r pid _ <"/proc/$unshare_pid/task/$unshare_pid/children" || [ -n "$pid" ]
    echo "$pid" >"$STATE/init.pid"

    ip link add "$HOST_INTERFACE" type veth peer name eth0 netns "$pid"
    ip address add "$HOST_ADDRESS/30" dev "$HOST_INTERFACE"
    ip link set "$HOST_INTERFACE" up
    inside ip address add "$NODE_ADDRESS/30" dev eth0
    inside ip link set eth0 up
    inside ip route add default via "$HOST_ADDRESS"
    ip route add "$POD_RANGE" via "$NODE_ADDRESS" dev "$HOST_INTERFACE"
}

# Ends this command where the machine has a route to the pods' range already: it
# is flannel's default, and someone's traffic would go to this cluster.
refuse_other_route() {
    local routes
    routes="$(ip -4 route show exact "$POD_RANGE")" || die "the machine's routes cannot be read"
    routes="$(grep -vE " dev $HOST_INTERFACE( |\$)" <<<"$routes" || true)"
    [ -z "$routes" ] || die "this machine has a route of its own to the pods' range; left alone: $routes"
}

# Says whether anything of a cluster is there, whole or not.
cluster_is_there() {
    [ -e "$STATE" ] || [ -e "/sys/class/net/$HOST_INTERFACE" ] || [ -n "$(first_processes)" ]
}

# Kills what is left in the namespaces and waits until all of it is gone.
remove_namespaces() {
    local pid folder
    # Once more: it may have come up while this command waited or built.
    refuse_other_cluster
    # The first process goes last: the kernel waits for all the others.
    for pid in $(first_processes); do
        kill -KILL "$pid" 2>/dev/null || continue
        await 30 "the end of the cluster's processes" test ! -e "/proc/$pid"
    done
    ip link delete "$HOST_INTERFACE" 2>/dev/null || true
    # The kubelet's cgroups; innermost first, empty by now.
    for folder in /sys/fs/cgroup/kubepods /sys/fs/cgroup/*/kubepods; do
        [ -d "$folder" ] || continue
        await 10 "the end of cgroup $folder" find "$folder" -depth -type d -exec rmdir {} +
    done
    if [ -e "$STATE/made-folders" ]; then
        while read -r folder; do rmdir "$folder" 2>/dev/null || true; done <"$STATE/made-folders"
    fi
}
