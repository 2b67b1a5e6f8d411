# Makes the container images without Docker and without a registry.
#
# An image is a tar of a root folder, a config and a line in a manifest. There are
# two archives of them: `workloads`, which the tests need on any cluster, and
# `add-ons`, for this cluster alone. Programs come from the build's cache,
# busybox, redis and nginx from Debian. An archive is kept in the cache, named
# after everything that it is made from.

# shellcheck source=lib/packages.sh
source "$CLUSTER_DIR/lib/packages.sh"

# Prints the modules whose programs are in an archive.
modules_of_archive() {
    case $1 in
        workloads) echo workload ;;
        add-ons) printf '%s\n' coredns metrics-server local-path traefik ;;
    esac
}

# Prints the path of an archive, whether made or not: `image_archive NAME`.
image_archive() {
    local key module
    key="$(
        {
            cat "$CLUSTER_DIR/lib/images.sh" "$CLUSTER_DIR"/image-sources/* "$CLUSTER_DIR/packages"
            for module in $(modules_of_archive "$1"); do program_folder "$module"; done
        } | sha256sum | cut -c1-16
    )"
    printf '%s/images/%s-%s.tar' "$CACHE" "$1" "$key"
}

# Packs a root folder as the layer NAME: `layer NAME FOLDER`.
layer() {
    tar -C "$2" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
        -cf "$work/archive/$1.tar" .
}

# Adds an image of a layer: `image LAYER CONFIG TAG…`, the config as the inside
# of the image's `config` object.
image() {
    local name=$1 config=$2 file tags tag
    shift 2
    file="$(printf '%s' "$name $config" | sha256sum | cut -c1-16).json"
    printf '{"architecture":"%s","os":"linux","created":"1970-01-01T00:00:00Z","config":{%s},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "$(go env GOARCH)" "$config" "$(sha256sum "$work/archive/$name.tar" | cut -d' ' -f1)" \
        >"$work/archive/$file"
    tags="$(for tag; do printf '"%s",' "$tag"; done)"
    printf '{"Config":"%s","RepoTags":[%s],"Layers":["%s.tar"]},' \
        "$file" "${tags%,}" "$name" >>"$work/entries"
}

# Makes a root folder with a shell and the usual files: `root_with_shell FOLDER`.
root_with_shell() {
    local root=$1 applet
    mkdir -p "$root"/{bin,etc,tmp,root,usr/bin,usr/sbin,var/run,var/log}
    chmod 1777 "$root/tmp"
    cp "$work/debian/bin/busybox" "$root/bin/busybox"
    for applet in $("$root/bin/busybox" --list); do
        [ "$applet" = busybox ] || ln -sf /bin/busybox "$root/bin/$applet"
    done
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
}

# Copies a program of Debian with the libraries it loads, at their paths.
copy_with_libraries() {
    local root=$1 program=$2 loader library
    loader="$(cd "$work/debian" && find lib64 lib -name 'ld-linux*.so.*' | head -n 1)"
    install -D "$work/debian$program" "$root$program"
    install -D "$work/debian/$loader" "$root/$loader"
    for library in $(chroot "$work/debian" "/$loader" --list "$program" | grep -o '/[^ ]*\.so[^ ]*'); do
        install -D "$work/debian$library" "$root$library"
    done
}

make_pause() {
    mkdir -p "$work/pause"
    gcc -O2 -static -s -o "$work/pause/pause" "$CLUSTER_DIR/image-sources/pause.c"
    layer pause "$work/pause"
    image pause '"Entrypoint":["/pause"]' todo-agent.test/pause:1
}

make_busybox() {
    root_with_shell "$work/busybox"
    layer busybox "$work/busybox"
    image busybox '"Cmd":["sh"]' docker.io/library/busybox:1.36 docker.io/library/busybox:latest
}

make_redis() {
    root_with_shell "$work/redis"
    copy_with_libraries "$work/redis" /usr/bin/redis-server
    copy_with_libraries "$work/redis" /usr/bin/redis-cli
    install -D "$CLUSTER_DIR/image-sources/redis-entrypoint" "$work/redis/usr/bin/redis-entrypoint"
    mkdir -p "$work/redis/data"
    layer redis "$work/redis"
    image redis '"Entrypoint":["redis-entrypoint"],"Cmd":["redis-server"],"WorkingDir":"/data","Env":["PATH=/usr/bin:/bin"]' \
        docker.io/library/redis:7 docker.io/library/redis:7-alpine
}

make_nginx() {
    root_with_shell "$work/nginx"
    copy_with_libraries "$work/nginx" /usr/sbin/nginx
    install -D -m 644 "$work/debian/etc/nginx/mime.types" "$work/nginx/etc/nginx/mime.types"
    install -D -m 644 "$CLUSTER_DIR/image-sources/nginx.conf" "$work/nginx/etc/nginx/nginx.conf"
    install -D -m 644 "$CLUSTER_DIR/image-sources/index.html" "$work/nginx/usr/share/nginx/html/index.html"
    mkdir -p "$work/nginx/var/log/nginx"
    layer nginx "$work/nginx"
    image nginx '"Cmd":["nginx","-g","daemon off;"],"Env":["PATH=/usr/sbin:/usr/bin:/bin"]' \
        docker.io/library/nginx:1.22 docker.io/library/nginx:latest
}

# The switchable server, under its own name and as each service of the todo
# workload; `v2` is a second name for the same, for rollouts.
make_workload() {
    local service port version
    root_with_shell "$work/workload"
    install "$(program_folder workload)/workload" "$work/workload/bin/workload"
    layer workload "$work/workload"
    image workload '"Entrypoint":["/bin/workload"]' \
        todo-agent.test/workload:1 todo-agent.test/workload:2
    while read -r service port; do
        for version in v1 v2; do
            image workload "\"Entrypoint\":[\"/bin/workload\"],\"Env\":[\"NAME=$service $version\",\"PORTS=$port\",\"PATH=/bin\"]" \
                "docker.io/library/todo-chatbot-$service:$version"
        done
    done <<<$'frontend 3000\nbackend 8000\nmcp 8001'
}

# An image with nothing but one program of the build: `make_program MODULE NAME`.
make_program() {
    mkdir -p "$work/$2/tmp"
    chmod 1777 "$work/$2/tmp"
    install "$(program_folder "$1")/$2" "$work/$2/$2"
    layer "$2" "$work/$2"
    image "$2" "\"Entrypoint\":[\"/$2\"]" "todo-agent.test/$2:1"
}

make_workloads() {
    unpack_packages "$work/debian"
    make_busybox
    make_redis
    make_nginx
    make_workload
}

make_add_ons() {
    make_pause
    make_program coredns coredns
    make_program metrics-server metrics-server
    make_program local-path local-path-provisioner
    make_program traefik traefik
}

# Makes an archive unless the cache has it: `make_images NAME`.
make_images() (
    set -e
    archive="$(image_archive "$1")"
    if [ -f "$archive" ]; then touch "$archive"; return 0; fi
    say "making the images of the $1 (once; kept in $CACHE)"
    work="$(mktemp -d)"
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/archive" "$CACHE/images"
    case $1 in
        workloads) make_workloads ;;
        add-ons) make_add_ons ;;
    esac
    printf '[%s]' "$(sed 's/,$//' "$work/entries")" >"$work/archive/manifest.json"
    tar -C "$work/archive" -cf "$work/archive.tar" .
    mv "$work/archive.tar" "$archive.partial"
    mv "$archive.partial" "$archive"
    keep_two "$CACHE/images/$1"-????????????????.tar
)
