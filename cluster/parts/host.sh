#!/usr/bin/env bash
# The first process of a host: makes it a network, directories of its own and an sshd, and reaps whoever has
# lost a parent.
#     host.sh STATE NUMBER
set -uo pipefail
state=$1 number=$2
host=h$number mine=$state/h$number

# This /proc is still the machine's, and so is the number in it.
record() {
    local stat fields
    mkdir -p "$mine" && read -r stat </proc/self/stat || return
    # shellcheck disable=SC2206 # words are wanted
    fields=(${stat##*) })
    pid=${stat%% *}
    echo "$pid ${fields[19]}" >"$mine/init"
}

join_cgroup() {
    [ ! -e "$mine/cgroup" ] || echo 0 >"$(cat "$mine/cgroup")/cgroup.procs"
}

plug_in() {
    local switch
    read -r switch _ <"$state/switch" &&
        echo "$host" >/proc/sys/kernel/hostname || return
    echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null
    nsenter --net="/proc/$switch/ns/net" \
        ip link add "s-$host" type veth peer name eth0 netns "/proc/$pid/ns/net" &&
        nsenter --net="/proc/$switch/ns/net" ip link set "s-$host" up master br0 &&
        ip link set lo up &&
        ip addr add "10.77.0.$number/24" dev eth0 &&
        ip link set eth0 up
}

# own_dir DIR MODE: an empty directory there, but for what is shared of the old one.
own_dir() {
    local new=$mine/new$1 share
    mkdir -p "$new" && mount -n -t tmpfs -o "mode=$2" testbed "$new" || return
    while IFS= read -r share; do
        case $share in "$1"/*) mkdir -p "$mine/new$share" && mount -n --bind "$share" "$mine/new$share" || return ;; esac
    done <"$state/shares"
    mount -n --move "$new" "$1"
}

# /run comes last: the files of the testbed are there, and are shared.
own_files() {
    local home
    mount -n -t proc proc /proc &&
        own_dir /tmp 1777 && own_dir /var/tmp 1777 && own_dir /dev/shm 1777 && own_dir /var/log 755 &&
        own_dir /etc/ssh 755 && cp "$state"/ssh/* /etc/ssh &&
        mount -n --bind "$state/hosts" /etc/hosts &&
        mount -n --bind "$state/shadow" /etc/shadow || return
    [ ! -s "$state/nsswitch.conf" ] || mount -n --bind "$state/nsswitch.conf" /etc/nsswitch.conf || return
    home=$(getent passwd root | cut -d: -f6)
    [ ! -d "$home/.ssh" ] || mount -n -t tmpfs -o mode=700 testbed "$home/.ssh" || return
    if [ -e "$state/slurm" ]; then
        own_dir /etc/slurm 755 && cp "$state"/slurm/* /etc/slurm || return
    fi
    own_dir /run 755 && mkdir -p /run/sshd /run/lock
}

# sshd is there when port 22 (hexadecimal 16) is listened on.
serve_ssh() {
    "$(command -v sshd)" -D -e -f /etc/ssh/sshd_config &
    until grep -q ':0016 00000000:0000 0A' /proc/net/tcp; do
        kill -0 $! 2>/dev/null || return 1
        sleep 0.01
    done
}

serve_slurm() {
    [ ! -e "$state/slurm" ] || bash "$state/slurm.sh" "$state"
}

if record && join_cgroup && plug_in && own_files && serve_ssh && serve_slurm; then
    : >"$mine/ready"
else
    echo "$host could not be made"
    : >"$state/failed"
fi

while :; do
    sleep infinity &
    wait
done
