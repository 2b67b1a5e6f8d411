# Builds the cluster's programs from Go modules pinned in go/*/go.sum.
#
# Each module has its own folder in the cache, named after a hash of its lock
# files, its sources, its build flags and the Go version: nothing is built twice
# and nothing stale is used. A folder appears by rename, once it is complete; of
# each module the two that were used last are kept.

# Without these Kubernetes calls itself v0.0.0, and clients refuse features.
kubernetes_flags() {
    local package
    printf '%s' '-s -w'
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        printf ' -X %s.gitVersion=v%s' "$package" "$KUBERNETES_VERSION"
        printf ' -X %s.gitMajor=1 -X %s.gitMinor=37' "$package" "$package"
        printf ' -X %s.gitTreeState=clean' "$package"
    done
}

# Prints the linker flags of a module.
linker_flags() {
    case $1 in
        kubernetes) kubernetes_flags ;;
        *) printf '%s' '-s -w' ;;
    esac
}

# Prints the cache folder of a module's programs, whether built or not.
program_folder() {
    local module=$1 key
    key="$(
        {
            cd "$CLUSTER_DIR/go/$module" || exit 1
            find . -type f ! -name '*_test.go' | LC_ALL=C sort | xargs cat
            grep "^$module " "$CLUSTER_DIR/go/programs"
            linker_flags "$module"
            go env GOVERSION GOARCH
        } | sha256sum | cut -c1-16
    )"
    printf '%s/bin/%s-%s' "$CACHE" "$module" "$key"
}

# Removes all but the newest two of some paths: `keep_two PATH…`.
keep_two() {
    # shellcheck disable=SC2012 # names of our own making
    ls -1dt -- "$@" 2>/dev/null | tail -n +3 | xargs -r rm -rf --
}

# Builds one module unless the cache has it: `build_module NAME`.
build_module() {
    local module=$1 folder partial program package lock began
    folder="$(program_folder "$module")"
    if [ -d "$folder" ]; then touch "$folder"; return 0; fi
    take_lock lock "$CACHE/build.lock"
    if [ -d "$folder" ]; then exec {lock}>&-; return 0; fi # built while this one waited
    began=$SECONDS
    # One name for all: what a killed build left goes too.
    partial="$CACHE/bin/partial"
    rm -rf "$partial"
    mkdir -p "$partial"
    say "building $module (once; kept in $CACHE)"
    while read -r _ program package; do
        (
            cd "$CLUSTER_DIR/go/$module" || exit 1
            CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=readonly nice -n 10 \
                go build -p 2 -trimpath -buildvcs=false -ldflags "$(linker_flags "$module")" \
                -o "$partial/$program" "$package"
        ) || die "building $program of $module failed"
        say "  $program, $((SECONDS - began)) s"
    done < <(grep "^$module " "$CLUSTER_DIR/go/programs")
    if [ "$module" = kwok ]; then kwok_stages >"$partial/kwok.yaml"; fi
    mv "$partial" "$folder"
    keep_two "$CACHE/bin/$module"-????????????????
    exec {lock}>&-
}

# Prints what kwok pretends: its own stages, which only come with its sources.
kwok_stages() {
    local sources stage
    sources="$(cd "$CLUSTER_DIR/go/kwok" && go list -m -f '{{.Dir}}' sigs.k8s.io/kwok)/kustomize/stage"
    for stage in node/fast/node-initialize node/heartbeat-with-lease/node-heartbeat-with-lease \
        pod/fast/pod-ready pod/fast/pod-complete pod/fast/pod-delete; do
        cat "$sources/$stage.yaml"
        printf '\n---\n'
    done
}

# Builds every module of the table that the cluster consists of, in its order. Helm only visits it.
build_all() {
    local module
    for module in $(sed '/^#/d; /^helm /d; s/ .*//' "$CLUSTER_DIR/go/programs" | uniq); do
        build_module "$module"
    done
}
