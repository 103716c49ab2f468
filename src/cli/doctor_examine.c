#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/doctor.h"
#include "cli/facts.h"

#define SHM_A_RANK    (8.0 * 1048576)  /* what Open MPI takes of /dev/shm, and some room */
#define LOCKED_ENOUGH (64.0 * 1048576) /* bytes, for the queues of a fabric */
#define SKEW_NOTED_S  2
#define SKEW_WRONG_S  60

/* A look at one node: whether all is well; what is not, it adds. */
typedef bool look(struct doctor *doctor, const struct doctor_node *node);

/* ---- Versions ---------------------------------------------------------------------------- */

static bool look_at_rankpool(struct doctor *doctor, const struct doctor_node *node)
{
    const char *version = facts_text(&node->facts, "rankpool");
    if (strcmp(version, command_version) == 0)
        return true;
    findings_add(&doctor->findings, "rankpool", FOUND_WRONG, node->host, "install the same on all nodes",
                 "has rankpool %s, and this is %s", version, command_version);
    return false;
}

/* Where the version begins in what an MPI says of itself: "mpirun (Open MPI) 4.1.4", "Open MPI v4.1.4". */
static const char *version_in(const char *text)
{
    return text + strcspn(text, "0123456789");
}

/* By the words in which launchers and libraries name themselves. */
static const char *family_of(const char *text)
{
    static const struct {
        const char *word, *family;
    } words[] = {
        {"Open MPI", "Open MPI"}, {"OpenRTE", "Open MPI"}, {"PRRTE", "Open MPI"}, {"Intel", "Intel MPI"},
        {"MVAPICH", "MVAPICH"},   {"MPICH", "MPICH"},      {"HYDRA", "MPICH"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasestr(text, words[i].word))
            return words[i].family;
    return text;
}

/* Up to the second number: a launcher starts programs of the same series. */
static bool same_mpi(const char *one, const char *other)
{
    const char *a = version_in(one), *b = version_in(other);
    return strcmp(family_of(one), family_of(other)) == 0 && strtol(a, NULL, 10) == strtol(b, NULL, 10) &&
           strtol(version_in(a + strcspn(a, ".")), NULL, 10) ==
               strtol(version_in(b + strcspn(b, ".")), NULL, 10);
}

static bool look_at_mpirun(struct doctor *doctor, const struct doctor_node *node)
{
    const char *launcher = facts_text(&node->facts, "launcher");
    if (!*launcher) {
        findings_add(&doctor->findings, "mpirun", node == doctor->node ? FOUND_WRONG : FOUND_NOTED,
                     node->host, "put Open MPI's into PATH for shells that are not interactive, too",
                     "has no mpirun in PATH");
        return false;
    }
    const char *library = facts_text(&node->facts, "mpi");
    if (!*library || same_mpi(launcher, library))
        return true;
    findings_add(&doctor->findings, "mpirun", FOUND_WRONG, node->host,
                 "put the mpirun of the MPI that the program is linked with first in PATH",
                 "%s says that it is \"%s\", and the program's library (%s) that it is \"%s\"",
                 facts_text(&node->facts, "mpirun"), launcher, facts_text(&node->facts, "library"), library);
    return false;
}

static bool look_at_library(struct doctor *doctor, const struct doctor_node *node)
{
    const char *first = facts_text(&doctor->node->facts, "mpi"), *mpi = facts_text(&node->facts, "mpi");
    if (!*first || !*mpi || strcmp(first, mpi) == 0)
        return true;
    findings_add(&doctor->findings, "library", FOUND_WRONG, node->host, "install the same on all nodes",
                 "would load %s, and %s %s", mpi, doctor->node->host, first);
    return false;
}

static bool look_at_program(struct doctor *doctor, const struct doctor_node *node)
{
    const char *program = facts_text(&node->facts, "program"), *build = facts_text(&node->facts, "build");
    const char *first = facts_text(&doctor->node->facts, "build");
    if (strcmp(program, "missing") == 0)
        findings_add(&doctor->findings, "program", FOUND_WRONG, node->host,
                     "install it there under the same path, or in a folder that all share", "has no %s",
                     doctor->program);
    else if (strcmp(program, "found") != 0)
        findings_add(&doctor->findings, "program", FOUND_WRONG, node->host, "chmod +x it",
                     "cannot run %s: %s", doctor->program, program);
    else if (strcmp(build, first) != 0)
        findings_add(&doctor->findings, "program", FOUND_WRONG, node->host, "install the same file on both",
                     "has another build of %s than %s", doctor->program, doctor->node->host);
    else if (!*build && node == doctor->node)
        findings_add(&doctor->findings, "program", FOUND_NOTED, NULL,
                     "link it with -Wl,--build-id, without which rankpool refuses it",
                     "%s has no build-id by which builds are told apart", doctor->program);
    else
        return *build;
    return false;
}

/* ---- The node ---------------------------------------------------------------------------- */

static bool look_at_root(struct doctor *doctor, const struct doctor_node *node)
{
    if (facts_number(&node->facts, "user", 1) != 0 || facts_number(&node->facts, "root_allowed", 0) == 1)
        return true;
    findings_add(&doctor->findings, "root", FOUND_NOTED, node->host,
                 "run as a user, or set OMPI_ALLOW_RUN_AS_ROOT=1 and OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
                 "you are root there, whom mpirun refuses");
    return false;
}

static bool look_at_slots(struct doctor *doctor, const struct doctor_node *node)
{
    double workers = facts_number(&node->facts, "workers", 0);
    if (workers < 1) {
        findings_add(&doctor->findings, "slots", FOUND_WRONG, node->host, "rankpool topo --hosts %h says why",
                     "has room for no worker");
        return false;
    }
    if (node->slots <= workers)
        return true;
    findings_add(&doctor->findings, "slots", FOUND_NOTED, node->host, "ask for no more slots than cores",
                 "has %d slots, and offers %.0f workers, which are used", node->slots, workers);
    return false;
}

static bool look_at_shm(struct doctor *doctor, const struct doctor_node *node)
{
    double room = facts_number(&node->facts, "shm_free", -1);
    double wanted = SHM_A_RANK * (facts_number(&node->facts, "workers", 1) + 1);
    if (room >= wanted)
        return true;
    findings_add(&doctor->findings, "shm", FOUND_WRONG, node->host,
                 "mount -o remount,size=1G /dev/shm (docker: --shm-size=1g), and see what fills it",
                 "has %.0f MiB left in /dev/shm, and ranks there need about %.0f",
                 room < 0 ? 0 : room / 1048576, wanted / 1048576);
    return false;
}

/* Where one core was meant nobody has said how many slots there are, or one. */
static bool look_at_affinity(struct doctor *doctor, const struct doctor_node *node)
{
    double cpus = facts_number(&node->facts, "cpus", 0),
           online = facts_number(&node->facts, "cpus_online", 0);
    if (cpus != 1 || online <= 1)
        return true;
    findings_add(&doctor->findings, "affinity", node->slots > 1 ? FOUND_WRONG : FOUND_NOTED, node->host,
                 "see whether taskset, --bind-to, or --cpu-bind of srun holds them there",
                 "processes may use one of %.0f CPUs", online);
    return false;
}

static bool look_at_locked(struct doctor *doctor, const struct doctor_node *node)
{
    double locked = facts_number(&node->facts, "locked", LOCKED_ENOUGH); /* "unlimited" is no number */
    if (facts_number(&node->facts, "fabric", 0) == 0 || locked >= LOCKED_ENOUGH)
        return true;
    findings_add(&doctor->findings, "locked", FOUND_WRONG, node->host,
                 "ulimit -l unlimited, for sshd and the batch system's daemons too (LimitMEMLOCK=infinity)",
                 "may lock %.0f KiB of memory, too little for its fabric", locked / 1024);
    return false;
}

static bool look_at_clock(struct doctor *doctor, const struct doctor_node *node)
{
    double clock = facts_number(&node->facts, "clock", node->from);
    double skew = clock < node->from ? clock - node->from : clock > node->to ? clock - node->to : 0;
    if (fabs(skew) < SKEW_NOTED_S)
        return true;
    findings_add(&doctor->findings, "clock", fabs(skew) < SKEW_WRONG_S ? FOUND_NOTED : FOUND_WRONG,
                 node->host, "run an NTP client there: deadlines and times of files are wrong",
                 "its clock is %.0f s %s", fabs(skew), skew < 0 ? "behind" : "ahead");
    return false;
}

/* ---- Between nodes ----------------------------------------------------------------------- */

static bool has_address(const struct doctor_node *node, const char *address)
{
    for (size_t i = 0; i < node->facts.count; i++)
        if (strncmp(node->facts.items[i], "address=", strlen("address=")) == 0 &&
            strcmp(strchr(node->facts.items[i], ' ') + 1, address) == 0)
            return true;
    return false;
}

/* Bridges of containers and virtual machines are the same everywhere, and lead nowhere. */
static bool look_at_addresses(struct doctor *doctor, const struct doctor_node *node)
{
    const struct doctor_node *first = doctor->node;
    for (size_t i = 0; node != first && i < node->facts.count; i++) {
        const char *fact = node->facts.items[i], *address = strchr(fact, ' ');
        if (strncmp(fact, "address=", strlen("address=")) != 0 || !has_address(first, address + 1))
            continue;
        int length = (int)(address - fact - (long)strlen("address="));
        findings_add(
            &doctor->findings, "addresses", FOUND_NOTED, node->host,
            "tell mpirun: --mca btl_tcp_if_exclude and --mca oob_tcp_if_exclude with lo and that name",
            "its %.*s has the address %s, as one of %s", length, fact + strlen("address="), address + 1,
            first->host);
        return false;
    }
    return true;
}

/* ---- All --------------------------------------------------------------------------------- */

static const struct {
    const char *check;
    look *look;
    const char *fine;
} checks[] = {
    {"rankpool", look_at_rankpool, "the same version everywhere"},
    {"mpirun", look_at_mpirun, "launcher and library are of one MPI"},
    {"library", look_at_library, "the same MPI everywhere"},
    {"program", look_at_program, "there, the same build everywhere"},
    {"root", look_at_root, "mpirun starts programs for this user"},
    {"slots", look_at_slots, "no more than what the nodes offer"},
    {"shm", look_at_shm, "/dev/shm has room for the ranks"},
    {"affinity", look_at_affinity, "processes are not held to one core of many"},
    {"locked", look_at_locked, "enough memory may be locked"},
    {"clock", look_at_clock, "clocks agree"},
    {"addresses", look_at_addresses, "no two nodes have the same one"},
};

void doctor_examine(struct doctor *doctor)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        bool fine = true, looked = false;
        for (int k = 0; k < doctor->count; k++) {
            struct doctor_node *node = &doctor->node[k];
            if (!node->answers)
                continue;
            looked = true;
            fine &= checks[i].look(doctor, node);
        }
        if (!looked)
            findings_add(&doctor->findings, checks[i].check, FOUND_SKIPPED, NULL, NULL, "no node answers");
        else if (fine)
            findings_add(&doctor->findings, checks[i].check, FOUND_FINE, NULL, NULL, "%s", checks[i].fine);
    }
}
