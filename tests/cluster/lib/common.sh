# Where everything of the test cluster lives, and how it speaks.
#
# Binaries and images are kept in a cache outside the work tree; the cluster's
# own data is in one state folder that `down` removes. Nothing here changes the
# machine. Sourced by every command of this folder.
# shellcheck disable=SC2034 # the commands use the names

CLUSTER_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/todo-agent/cluster"
STATE="${TODO_AGENT_CLUSTER_STATE:-${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}/todo-agent-cluster}"
KUBECONFIG_FILE="$STATE/kubeconfig"
AUDIT_LOG="$STATE/log/audit.jsonl"
KUBERNETES_VERSION=1.37.1

# The cluster has network, process and mount namespaces of its own, joined to
# the machine by one pair of interfaces. The second address is the node's.
HOST_ADDRESS="${TODO_AGENT_CLUSTER_HOST_ADDRESS:-10.213.0.1}"
NODE_ADDRESS="${TODO_AGENT_CLUSTER_NODE_ADDRESS:-10.213.0.2}"
HOST_INTERFACE=todo-agent0
POD_RANGE=10.244.0.0/16
SERVICE_RANGE=10.96.0.0/16
DNS_ADDRESS=10.96.0.10
API_ADDRESS=10.96.0.1
NODE_NAME=node-1

# Progress goes to stderr: stdout is for the kubeconfig's path alone.
say() { printf '%s\n' "$*" >&2; }
die() { say "tests/cluster: $*"; exit 1; }
# What the machine does not have is another thing than a failure.
lacks() { say "tests/cluster: this machine lacks $*"; exit 2; }

need_root() { [ "$(id -u)" = 0 ] || lacks "root, which ${0##*/} needs"; }

need_go() {
    local version
    command -v go >/dev/null || lacks "Go 1.26 or newer on the PATH (https://go.dev/dl)"
    version="$(GOTOOLCHAIN=local go env GOVERSION)"
    printf 'go1.26\n%s\n' "$version" | sort --version-sort --check=quiet ||
        lacks "Go 1.26 or newer on the PATH (there is $version)"
}

# Takes a lock and puts its descriptor into a variable:
# `take_lock VARIABLE FILE [FLAG…]`. Who removes such a file holds its lock; who
# waited for it meanwhile takes the new one.
take_lock() {
    local -n descriptor=$1
    local file=$2
    shift 2
    mkdir -p "$(dirname "$file")"
    while :; do
        exec {descriptor}>>"$file"
        flock --nonblock "$@" "$descriptor" || {
            say "waiting for another command to end ($file)"
            flock "$@" "$descriptor"
        }
        [ ! "$file" -ef "/proc/self/fd/$descriptor" ] || return 0
        exec {descriptor}>&-
    done
}

# Ends this command where the state's folder only has its name: a mistyped
# TODO_AGENT_CLUSTER_STATE must not cost anyone a folder. An empty one is all
# that a start killed at once leaves.
check_state() {
    [ ! -e "$STATE" ] || [ -e "$STATE/is-a-test-cluster" ] || [ -z "$(ls -A "$STATE")" ] ||
        die "$STATE is not the state of a cluster; left alone"
}

remove_state() {
    check_state
    rm -rf --one-file-system "$STATE"
}

# Prints the seconds since the first command of this run began.
elapsed() { printf '%ds' "$SECONDS"; }

# Waits until a command succeeds: `await SECONDS WHAT COMMAND…`.
await() {
    local limit=$1 what=$2 end
    shift 2
    end=$((SECONDS + limit))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || die "$what: not there after $limit s"
        sleep 0.1
    done
}

# The first process of the cluster, as the machine sees it; empty if none runs.
cluster_pid() {
    local pid
    pid="$(cat "$STATE/init.pid" 2>/dev/null)" || return 0
    # A number alone may have been given to another process since.
    if grep -qsF "$STATE" "/proc/$pid/environ" 2>/dev/null; then printf '%s' "$pid"; fi
}

# Closes all but the three usual descriptors: in the shell of what outlives its
# caller, which must not hold the locks of that one, or of whoever called it.
close_descriptors() {
    local descriptor
    for descriptor in "/proc/$BASHPID/fd"/*; do
        descriptor=${descriptor##*/}
        if [ "$descriptor" -gt 2 ]; then exec {descriptor}>&-; fi
    done
}

# Every first process of this state, also one that a killed `up` did not note.
first_processes() {
    local process words
    for process in /proc/[0-9]*; do
        mapfile -d '' -t words 2>/dev/null <"$process/cmdline" || continue
        [[ "${words[*]} " != *"/first-process.sh $STATE "* ]] || printf '%s\n' "${process#/proc/}"
    done 2>/dev/null
}

# Ends this command where the cluster of another state runs: the interface, the
# route and the cgroups have the same names there, and are that one's.
refuse_other_cluster() {
    local process words
    for process in /proc/[0-9]*; do
        { mapfile -d '' -t words <"$process/cmdline"; } 2>/dev/null || continue
        [[ ${words[0]:-} == bash && ${words[1]:-} == */lib/first-process.sh ]] || continue
        [ "${words[2]:-}" = "$STATE" ] || die "another cluster runs (state: ${words[2]:-})"
    done
}

# Runs a command inside the cluster's namespaces.
inside() {
    local pid
    pid="$(cluster_pid)"
    [ -n "$pid" ] || die "no cluster runs (state: $STATE)"
    nsenter --target "$pid" --net --pid --mount "$@"
}

# kubectl as the cluster's administrator.
kubectl() {
    command -- "${TODO_AGENT_KUBECTL:-$(program_folder kubernetes)/kubectl}" --kubeconfig "$KUBECONFIG_FILE" "$@"
}
