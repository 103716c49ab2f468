#!/usr/bin/env bash
# The first process of a testbed, and what its hosts are plugged in: a bridge in a network of its own. All
# other processes are in its PID namespace, and end with it.
#     switch.sh STATE COUNT
set -uo pipefail
state=$1 count=$2

# This /proc is still the machine's, and so is the number in it.
read -r stat </proc/self/stat
# shellcheck disable=SC2206 # words are wanted
fields=(${stat##*) })
echo "${stat%% *} ${fields[19]}" >"$state/switch.new" && mv "$state/switch.new" "$state/switch"
exec 9<&- # from here on `down` finds it

make_bridge() {
    echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null
    ip link add br0 type bridge && ip link set br0 up
}

make_bridge || : >"$state/failed"
for ((i = 1; i <= count; i++)); do
    # shellcheck disable=SC2016 # for the inner shell
    unshare --net --mount --pid --uts --ipc bash -c 'setsid bash "$0" "$@" &' "$state/host.sh" "$state" "$i"
done

while :; do # and reap whoever has lost a parent
    sleep infinity &
    wait
done
