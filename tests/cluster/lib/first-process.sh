# The first process of the cluster's namespaces: prepares them, then reaps
# what is left to it until it is killed.
set -euo pipefail
state=$1
shift

# The kubelet's volume mounts must reach the containers' mount namespaces.
mount --make-rshared /
for folder; do mount --bind "$state/root$folder" "$folder"; done
# No name outside exists here; without a name server a pull of a missing image
# fails at once, where this machine's would let every lookup time out.
: >"$state/root/resolv.conf"
if [ -e /etc/resolv.conf ]; then mount --bind "$state/root/resolv.conf" /etc/resolv.conf; fi
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
: >"$state/first-process.ready"

# bash reaps adopted children while it waits for its own.
while :; do
    sleep 3600 &
    wait "$!" || true
done
