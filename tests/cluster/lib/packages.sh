# The Debian packages the cluster needs: installs what is missing, and unpacks
# what only images need, without installing it.

# Prints `name=version` of each package of a kind: `packages_of machine`.
packages_of() { sed -n "s/^$1  *\([^ ]*\)  *\(.*\)$/\1=\2/p" "$CLUSTER_DIR/packages"; }

# Installs the missing machine packages. Does nothing, quickly, where all are.
install_packages() {
    local wanted missing=()
    for wanted in $(packages_of machine); do
        dpkg-query -W -f '${Status}' "${wanted%%=*}" 2>/dev/null | grep -q 'ok installed' ||
            missing+=("$wanted")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "needs ${missing[*]%%=*}, and apt-get to install them"
    say "installing ${missing[*]%%=*}"
    # At run level 1 a package's own service is not started.
    apt-get update -qq >&2 || die "apt-get update failed"
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "${missing[@]}" >"$STATE.apt.log" 2>&1 ||
        die "apt-get install failed: $(tail -n 3 "$STATE.apt.log")"
    rm -f "$STATE.apt.log"
}

# Unpacks the image packages and all they depend on into a folder.
unpack_packages() {
    local target=$1 archives archive
    archives="$(mktemp -d)"
    mkdir -p "$archives/partial" "$target"
    : >"$archives/status"
    # With an empty status file apt takes nothing for installed, so the
    # download is complete whatever this machine has.
    (
        cd "$archives" || exit 1
        apt-get update -qq >&2
        # shellcheck disable=SC2046 # one word per package
        apt-get install -qq -y --no-install-recommends --download-only \
            -o Dir::State::status="$archives/status" -o Dir::Cache::archives="$archives" \
            -o APT::Sandbox::User=root $(packages_of image) >apt.log 2>&1
    ) || die "downloading $(packages_of image | tr '\n' ' ') failed: $(tail -n 3 "$archives/apt.log")"
    for archive in "$archives"/*.deb; do
        dpkg-deb --fsys-tarfile "$archive" | tar -C "$target" -xf - --no-same-owner \
            --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*'
    done
    rm -rf "$archives"
}
