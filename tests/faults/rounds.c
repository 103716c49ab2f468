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

enum { ROUNDS = 20, PATIENCE_S = 30 };

static const char *const starts[] = {"alone", "under mpirun", "in a program that runs MPI"};

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* What the seed wants: some rounds leave nobody, and in some an item may fail that had few tries. */
static void try_one(uint64_t seed)
{
    struct doctor doctor = {.seed = seed};
    struct doctor_plan plan = {.seed = seed};
    plan.start =
        doctor_random(&doctor, 5) < 3 ? DOCTOR_ALONE : 1 + (enum doctor_start)doctor_random(&doctor, 2);
    plan.workers = 2 + (int)doctor_random(&doctor, 5);
    plan.retries = doctor_random(&doctor, 4) ? 1000 : 1;
    bool all = doctor_random(&doctor, 8) == 0;
    int kills = all ? plan.workers : (int)doctor_random(&doctor, (uint64_t)plan.workers);
    check_note("FAULTS_SEED=%llu: %d workers %s, %d kills, %d retries", (unsigned long long)seed,
               plan.workers, starts[plan.start], kills, plan.retries);
    if (!doctor_start(&doctor, &plan)) {
        CHECK_FAILED("it does not start: %s", doctor.line);
    } else {
        doctor_harm(&doctor, kills, 1.2);
        if (!doctor_finish(&doctor, PATIENCE_S))
            CHECK_FAILED("it hangs; it said: %s", doctor.line);
        else if (doctor.deaths == plan.workers)
            CHECK_HAS(doctor.line, "verdict broken");
        else
            CHECK_HAS(doctor.line, "verdict right");
        if (plan.start == DOCTOR_ALONE && doctor.first == 0)
            CHECK_INT(doctor.status, doctor.deaths == plan.workers ? 3 : 0);
        if (doctor.first == 0 && getenv("FAULTS_TELL"))
            printf("%llu: %s, %d deaths\n", (unsigned long long)seed, doctor.line, doctor.deaths);
    }
    doctor_leave(&doctor);
    check_note("%s", "");
}

TEST_CASE(workers_killed_and_stopped_at_random_moments_cost_no_result)
{
    uint64_t first = number("FAULTS_SEED", 1), rounds = number("FAULTS_ROUNDS", ROUNDS);
    check_seconds((double)rounds * (PATIENCE_S + 15));
    signal(SIGPIPE, SIG_IGN);
    for (uint64_t seed = first; seed < first + rounds; seed++)
        try_one(seed);
}
