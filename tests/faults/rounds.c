/* Workers that are killed and stopped at random moments: rounds of random work (patient.c), each with a
 * seed. A round that fails says its seed; FAULTS_SEED=<seed> FAULTS_ROUNDS=1 runs it again: the work and
 * the harm are the same, the moments nearly so. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "doctor.h"

enum { ROUNDS = 12, NODE_ROUNDS = 3, PATIENCE_S = 30 };

static const char *const starts[] = {"alone", "under mpirun", "in a program that runs MPI"};

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* What the seed wants: some rounds leave nobody, and in some an item may fail that had few tries. */
static void try_one(uint64_t seed, bool has_nodes)
{
    struct doctor doctor = {.seed = seed};
    struct doctor_plan plan = {.seed = seed};
    plan.start =
        doctor_random(&doctor, 5) < 3 ? DOCTOR_ALONE : 1 + (enum doctor_start)doctor_random(&doctor, 2);
    plan.workers = 2 + (int)doctor_random(&doctor, 5);
    plan.retries = doctor_random(&doctor, 4) ? 1000 : 1;
    bool all = doctor_random(&doctor, 8) == 0;
    int kills = all ? plan.workers : (int)doctor_random(&doctor, (uint64_t)plan.workers);
    plan.node_size = has_nodes ? 1 + (int)doctor_random(&doctor, 3) : 0;
    check_note("FAULTS_SEED=%llu: %d workers %s, nodes of %d, %d kills, %d retries", (unsigned long long)seed,
               plan.workers, starts[plan.start], plan.node_size, kills, plan.retries);
    if (!doctor_start(&doctor, &plan)) {
        CHECK_FAILED("it does not start: %s", doctor.line);
    } else {
        doctor_harm(&doctor, kills, 1.2);
        if (!doctor_finish(&doctor, PATIENCE_S))
            CHECK_FAILED("it hangs; it said: %s", doctor.line);
        else
            CHECK_HAS(doctor.line, doctor_has_left(&doctor) ? "verdict right" : "verdict broken");
        if (plan.start == DOCTOR_ALONE && doctor.first == 0)
            CHECK_INT(doctor.status, doctor_has_left(&doctor) ? 0 : 3);
        if (doctor.first == 0 && getenv("FAULTS_TELL"))
            printf("%llu: %s, %d deaths\n", (unsigned long long)seed, doctor.line, doctor.deaths);
    }
    doctor_leave(&doctor);
    check_note("%s", "");
}

static void try_some(uint64_t rounds, bool has_nodes)
{
    uint64_t first = number("FAULTS_SEED", 1);
    check_seconds((double)rounds * (PATIENCE_S + 15));
    signal(SIGPIPE, SIG_IGN);
    for (uint64_t seed = first; seed < first + rounds; seed++)
        try_one(seed, has_nodes);
}

TEST_CASE(workers_killed_and_stopped_at_random_moments_cost_no_result)
{
    try_some(number("FAULTS_ROUNDS", ROUNDS), false);
}

TEST_CASE(the_same_of_workers_and_leaders_of_nodes)
{
    try_some(number("FAULTS_ROUNDS", NODE_ROUNDS), true);
}
