# What the tests are told of a cluster, and what they need of it: the harness's
# own, or one that a person names.

# The images of the archive `workloads` that the tests run.
NEEDED_IMAGES=(busybox:1.36 redis:7-alpine nginx:1.22 todo-agent.test/workload:{1,2}
    todo-chatbot-{frontend,backend,mcp}:{v1,v2})

# kubectl as the tests use it, on their context.
tests_kubectl() {
    "$TODO_AGENT_KUBECTL" --kubeconfig "$TODO_AGENT_TEST_KUBECONFIG" \
        --context "$TODO_AGENT_TEST_CONTEXT" --request-timeout=10s "$@"
}

# Prints the needed images that a node does not report: `missing_images`. Fails
# where the nodes do not say.
missing_images() {
    local nodes node there image
    nodes="$(tests_kubectl get nodes --selector 'type!=kwok' --output name)" ||
        die "the nodes of context $TODO_AGENT_TEST_CONTEXT cannot be read, so nobody knows their images"
    [ -n "$nodes" ] || die "context $TODO_AGENT_TEST_CONTEXT has no node that could have images"
    for node in $nodes; do
        there="$(tests_kubectl get "$node" --output 'jsonpath={range .status.images[*]}{range .names[*]}{@}{"\n"}{end}{end}')" ||
            die "$node of context $TODO_AGENT_TEST_CONTEXT cannot be read, so nobody knows its images"
        for image in "${NEEDED_IMAGES[@]}"; do
            grep -qE "(^|/)${image//./\\.}\$" <<<"$there" || printf '%s ' "$image"
        done
    done
}

has_images() {
    local missing
    missing="$(missing_images)" && [ -z "$missing" ]
}

# Removes what tests that were interrupted left on a person's cluster; the
# namespaces end by themselves, and no failure here changes how the run ends.
remove_test_namespaces() {
    tests_kubectl delete namespaces --selector "todo-agent.test/run=$TODO_AGENT_TEST_RUN" \
        --wait=false --ignore-not-found >&2 ||
        say "namespaces with the label todo-agent.test/run=$TODO_AGENT_TEST_RUN may be left"
}

# Tells the tests of the harness's own cluster, which runs. A test of faults may
# stop its programs, and every request that arrives is on record.
use_own_cluster() {
    export TODO_AGENT_KUBECTL TODO_AGENT_TEST_KUBECONFIG=$KUBECONFIG_FILE
    export TODO_AGENT_TEST_CONTEXT=todo-agent-test TODO_AGENT_TEST_AUDIT_LOG=$AUDIT_LOG
    export TODO_AGENT_TEST_COMPONENTS=$CLUSTER_DIR/component
    TODO_AGENT_KUBECTL="$(program_folder kubernetes)/kubectl"
    await 30 "every image on the node" has_images
}

# Tells the tests of a person's context: `use_context NAME KUBECONFIG FOLDER`.
# They get a file in FOLDER with nothing else in it, so that no mistake of a test
# can reach another cluster.
use_context() {
    local missing
    unset TODO_AGENT_TEST_AUDIT_LOG TODO_AGENT_TEST_COMPONENTS
    export TODO_AGENT_KUBECTL=${TODO_AGENT_KUBECTL:-kubectl}
    export TODO_AGENT_TEST_CONTEXT=$1 TODO_AGENT_TEST_KUBECONFIG=$3/kubeconfig
    TODO_AGENT_KUBECTL="$(type -P "$TODO_AGENT_KUBECTL")" || lacks "kubectl on the PATH"
    (
        umask 077
        if [ -n "$2" ]; then export KUBECONFIG=$2; fi
        "$TODO_AGENT_KUBECTL" config view --minify --flatten --context "$1" >"$3/kubeconfig"
    ) || die "there is no context $1"
    tests_kubectl get --raw /readyz >/dev/null || die "the cluster of context $1 does not answer"
    missing="$(missing_images)" || exit 1
    # shellcheck disable=SC2016 # commands for the person
    [ -z "$missing" ] || die "the nodes of context $1 lack ${missing% }; on Minikube" \
        '(tests/cluster/README.md says what this needs):
    archive="$(sudo -H env "PATH=$PATH" XDG_CACHE_HOME=/var/cache/todo-agent tests/cluster/images)"
    minikube image load "$archive"'
}
