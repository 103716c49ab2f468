/* What the doctor makes of facts that nodes have said, of which one node has one that is wrong. */
#define _GNU_SOURCE
#include "cli/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cli/command.h"
#include "cli/facts.h"

static const char *const healthy[][2] = {
    {"clock", "1000.5"},
    {"user", "1000"},
    {"root_allowed", "0"},
    {"shm_free", "1000000000"},
    {"cpus", "8"},
    {"cpus_online", "8"},
    {"workers", "8"},
    {"locked", "65536"},
    {"fabric", "0"},
    {"program", "found"},
    {"build", "0123456789abcdef"},
    {"mpirun", "/usr/bin/mpirun"},
    {"launcher", "mpirun (Open MPI) 4.1.4"},
    {"library", "/usr/lib/libmpi.so.40"},
    {"mpi", "Open MPI v4.1.4"},
    {"address", "eth0 10.0.0.%d"},
};

enum { FACTS = sizeof healthy / sizeof *healthy, NODES = 3 };

/* Node `number`, with what is to be other than healthy, in the form "name=value name=value". */
static void describe(struct doctor_node *node, int number, const char *other)
{
    static const char *const hosts[NODES] = {"a", "b", "c"};
    char copy[512], *rest = copy;
    *node = (struct doctor_node){.host = hosts[number], .answers = true, .from = 1000, .to = 1001};
    snprintf(copy, sizeof copy, "%s", other);
    for (char *fact; *rest && (fact = strtok_r(rest, ";", &rest));)
        list_add(&node->facts, fact);
    list_addf(&node->facts, "rankpool=%s", command_version);
    for (int i = 0; i < FACTS; i++) {
        char value[64];
        snprintf(value, sizeof value, "%s", healthy[i][1]);
        if (strcmp(healthy[i][0], "address") == 0)
            snprintf(value, sizeof value, "eth0 10.0.0.%d", number + 1);
        list_addf(&node->facts, "%s=%s", healthy[i][0], value);
    }
}

static void examine(struct doctor *doctor, struct doctor_node node[NODES], const char *other, int slots)
{
    *doctor = (struct doctor){.program = "/bin/program", .node = node, .count = NODES};
    for (int i = 0; i < NODES; i++)
        describe(&node[i], i, i == 1 ? other : "");
    node[1].slots = slots;
    doctor_examine(doctor);
}

static void forget(struct doctor *doctor)
{
    for (int i = 0; i < NODES; i++)
        list_free(&doctor->node[i].facts);
    findings_free(&doctor->findings);
}

TEST_CASE(nodes_that_are_well_are_found_well)
{
    struct doctor doctor;
    struct doctor_node node[NODES];
    examine(&doctor, node, "", 8);
    CHECK_INT(doctor.findings.count, 11);
    for (int i = 0; i < doctor.findings.count; i++)
        if (!CHECK(doctor.findings.one[i].verdict == FOUND_FINE))
            check_note("%s: %s", doctor.findings.one[i].check, doctor.findings.one[i].says);
    forget(&doctor);
}

TEST_CASE(what_is_wrong_on_one_node_is_found_there_and_nothing_else_is)
{
    static const struct {
        const char *facts;
        int slots;
        const char *check;
        enum verdict verdict;
        const char *says;
    } cases[] = {
        {"rankpool=99.1.0", 0, "rankpool", FOUND_WRONG, "99.1.0"},
        {"launcher=", 0, "mpirun", FOUND_NOTED, "no mpirun"},
        {"launcher=HYDRA build details: Version: 4.1.4", 0, "mpirun", FOUND_WRONG, "HYDRA"},
        {"launcher=mpirun (Open MPI) 5.0.3", 0, "mpirun", FOUND_WRONG, "5.0.3"},
        {"launcher=mpirun (Open MPI) 4.0.3", 0, "mpirun", FOUND_WRONG, "4.0.3"},
        {"mpi=Open MPI v4.1.6", 0, "library", FOUND_WRONG, "v4.1.6"},
        {"program=missing;build=", 0, "program", FOUND_WRONG, "has no /bin/program"},
        {"program=Permission denied", 0, "program", FOUND_WRONG, "Permission denied"},
        {"build=fedcba9876543210", 0, "program", FOUND_WRONG, "another build"},
        {"user=0", 0, "root", FOUND_NOTED, "you are root"},
        {"", 9, "slots", FOUND_NOTED, "9 slots"},
        {"workers=", 0, "slots", FOUND_WRONG, "no worker"},
        {"shm_free=50000000", 0, "shm", FOUND_WRONG, "48 MiB left"},
        {"shm_free=", 0, "shm", FOUND_WRONG, "0 MiB left"},
        {"cpus=1", 0, "affinity", FOUND_NOTED, "one of 8"},
        {"cpus=1", 4, "affinity", FOUND_WRONG, "one of 8"},
        {"fabric=1", 0, "locked", FOUND_WRONG, "64 KiB"},
        {"clock=997", 0, "clock", FOUND_NOTED, "3 s behind"},
        {"clock=1004", 0, "clock", FOUND_NOTED, "3 s ahead"},
        {"clock=4601", 0, "clock", FOUND_WRONG, "3600 s ahead"},
        {"address=docker0 172.17.0.1;address=eth1 10.0.0.1", 0, "addresses", FOUND_NOTED, "eth1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct doctor doctor;
        struct doctor_node node[NODES];
        int found = 0;
        check_note("%s, %d slots", cases[i].facts, cases[i].slots);
        examine(&doctor, node, cases[i].facts, cases[i].slots);
        for (int k = 0; k < doctor.findings.count; k++) {
            const struct finding *one = &doctor.findings.one[k];
            if (one->verdict == FOUND_FINE)
                continue;
            found++;
            CHECK_STR(one->check, cases[i].check);
            CHECK(one->verdict == cases[i].verdict);
            CHECK_STR(one->host, "b");
            CHECK_HAS(one->says, cases[i].says);
            CHECK(one->mend);
        }
        CHECK_INT(found, 1);
        forget(&doctor);
    }
}

TEST_CASE(what_may_be_meant_so_is_not_wrong)
{
    static const char *const facts[] = {
        "user=0;root_allowed=1",
        "fabric=1;locked=unlimited",
        "fabric=1;locked=1000000000",
        "launcher=mpirun (Open MPI) 4.1.9",
        "mpi=;library=",
        "cpus=1;cpus_online=1;workers=1",
    };
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        struct doctor doctor;
        struct doctor_node node[NODES];
        check_note("%s", facts[i]);
        examine(&doctor, node, facts[i], 0);
        for (int k = 0; k < doctor.findings.count; k++)
            CHECK(doctor.findings.one[k].verdict == FOUND_FINE);
        forget(&doctor);
    }
}

TEST_CASE(where_no_node_answers_nothing_is_said_to_be_well)
{
    struct doctor doctor = {.program = "/bin/program"};
    struct doctor_node node[1] = {{.host = "a"}};
    doctor.node = node;
    doctor.count = 1;
    doctor_examine(&doctor);
    CHECK_INT(doctor.findings.count, 11);
    for (int i = 0; i < doctor.findings.count; i++)
        CHECK(doctor.findings.one[i].verdict == FOUND_SKIPPED);
    findings_free(&doctor.findings);
}

/* ---- Facts as text ----------------------------------------------------------------------- */

TEST_CASE(facts_are_read_as_they_were_written_whatever_stands_around_them)
{
    struct list facts = {0}, read = {0};
    struct error error;
    char *text = NULL;
    size_t size;
    list_add(&facts, "host=a");
    list_add(&facts, "mpi=Open MPI v4.1.4 = fine");
    list_add(&facts, "shm=12");
    FILE *out = open_memstream(&text, &size);
    REQUIRE(out);
    fprintf(out, "Welcome to a!\n");
    facts_write(&facts, out);
    fprintf(out, "Bye.\n");
    fclose(out);
    REQUIRE_STATUS(facts_read(text, &read, &error), RP_OK);
    CHECK_UINT(read.count, 3);
    CHECK_STR(facts_text(&read, "mpi"), "Open MPI v4.1.4 = fine");
    CHECK_STR(facts_text(&read, "nothing"), "");
    CHECK(facts_number(&read, "shm", 0) == 12);
    CHECK(facts_number(&read, "host", 7) == 7);
    list_free(&facts);
    list_free(&read);
    free(text);
}

TEST_CASE(what_is_cut_off_or_of_another_version_is_no_answer)
{
    static const struct {
        const char *text;
        rp_status status;
    } cases[] = {
        {"", RP_INVALID},
        {"bash: rankpool: command not found\n", RP_INVALID},
        {"rankpool facts 1\nhost=a\n", RP_INVALID},
        {"rankpool facts 1\nhost=a\nen", RP_INVALID},
        {"rankpool facts 2\nhost=a\nend\n", RP_MISMATCH},
        {"rankpool facts 1", RP_MISMATCH},
        {"rankpool facts 1\nend\n", RP_OK},
        {"rankpool facts 1\nhost=a\nend", RP_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct list facts = {0};
        struct error error;
        char copy[64];
        snprintf(copy, sizeof copy, "%s", cases[i].text);
        check_note("%s", cases[i].text);
        CHECK_STATUS(facts_read(copy, &facts, &error), cases[i].status);
        list_free(&facts);
    }
}
