# The files that `testbed up` writes for its hosts, in $state; a part of cluster/testbed.
# shellcheck shell=bash disable=SC2154 # what cluster/testbed sets

# The files that all hosts are given: names, keys, and how ssh is used between them.
write_files() {
    local i key env
    mkdir -p "$state/ssh"
    echo "127.0.0.1 localhost" >"$state/hosts"
    for ((i = 1; i <= count; i++)); do
        echo "10.77.0.$i h$i"
    done >>"$state/hosts"
    sed 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf >"$state/nsswitch.conf" 2>/dev/null
    # Without PAM sshd lets nobody in whose password is locked by a "!".
    (umask 077 && echo 'root:*:19000:0:99999:7:::' >"$state/shadow")
    for key in testbed_key host_key; do
        ssh-keygen -q -t ed25519 -N '' -C "testbed $name" -f "$state/ssh/$key" || die "ssh-keygen failed"
    done
    cp "$state/ssh/testbed_key.pub" "$state/ssh/authorized_keys"
    echo "* $(cat "$state/ssh/host_key.pub")" >"$state/ssh/ssh_known_hosts"
    cat >"$state/ssh/ssh_config" <<'END'
Host *
    IdentityFile /etc/ssh/testbed_key
    IdentityAgent none
    BatchMode yes
    StrictHostKeyChecking yes
    LogLevel ERROR
END
    # Whoever comes by ssh finds the programs that whoever made the testbed does. Every host believes that
    # the first core is its own: ranks are not bound.
    env="PATH=\"$PATH\" ${LD_LIBRARY_PATH:+LD_LIBRARY_PATH=\"$LD_LIBRARY_PATH\" }"
    env+="OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_hwloc_base_binding_policy=none"
    cat >"$state/ssh/sshd_config" <<END
HostKey /etc/ssh/host_key
AuthorizedKeysFile /etc/ssh/authorized_keys
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
UseDNS no
PidFile none
MaxStartups 1000
MaxSessions 1000
SetEnv $env
END
}

# cores_of QUOTA: how many cores Slurm is told that a host has.
cores_of() {
    awk "BEGIN {q = \"$1\"; n = int(q); n += n < q; most = $(nproc); if (q == \"-\" || n > most) n = most; print n}"
}

# What a Slurm cluster of all hosts takes. Requeued jobs wait until a credential has expired.
write_slurm_files() {
    local i cores
    (umask 077 && head -c 128 /dev/urandom >"$state/munge.key")
    mkdir "$state/slurm"
    {
        cat <<'END'
ClusterName=testbed
SlurmctldHost=h1
SlurmUser=root
AuthInfo=cred_expire=5
StateSaveLocation=/run/slurm/state
SlurmdSpoolDir=/run/slurm/spool
SlurmctldPidFile=/run/slurm/slurmctld.pid
SlurmdPidFile=/run/slurm/slurmd.pid
SlurmctldLogFile=/var/log/slurmctld.log
SlurmdLogFile=/var/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=10000
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
        for ((i = 1; i <= count; i++)); do
            cores=$(cores_of "${quotas[i - 1]--}")
            echo "NodeName=h$i CPUs=$cores CoresPerSocket=$cores State=UNKNOWN"
        done
    } >"$state/slurm/slurm.conf"
}
