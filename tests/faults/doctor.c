#define _GNU_SOURCE
#include "doctor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../deny.h"

#define START_S 30

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

uint64_t doctor_random(struct doctor *doctor, uint64_t below)
{
    uint64_t x = doctor->seed += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (x ^ x >> 31) % below;
}

/* ---- Starting ----------------------------------------------------------------------------- */

static void execute(struct doctor *doctor, const struct doctor_plan *plan)
{
    char workers[16], ranks[16], seed[32], retries[16];
    snprintf(workers, sizeof workers, "%d", plan->workers);
    snprintf(ranks, sizeof ranks, "%d", plan->workers + 1);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)plan->seed);
    snprintf(retries, sizeof retries, "%d", plan->retries);
    putenv(doctor->life);
    if (plan->node_size) {
        char size[16];
        snprintf(size, sizeof size, "%d", plan->node_size);
        setenv("RANKPOOL_NODE_SIZE", size, 1);
    }
    setenv("RANKPOOL_WORKERS", workers, 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 1);
    if (plan->no_memfds && !deny_memfds())
        _exit(126);
    const char *kind = plan->start == DOCTOR_COMM ? "comm" : "open";
    if (plan->start == DOCTOR_ALONE)
        execl(PATIENT, PATIENT, kind, seed, retries, (char *)NULL);
    else
        execl(MPIEXEC, MPIEXEC, "--enable-recovery", "--mca", "async_mpi_finalize", "1", "--oversubscribe",
              "--bind-to", "none", "-n", ranks, PATIENT, kind, seed, retries, (char *)NULL);
    _exit(127);
}

bool doctor_hear(struct doctor *doctor, double seconds)
{
    double end = seconds_now() + seconds;
    size_t length = 0;
    struct pollfd output = {.fd = fileno(doctor->out), .events = POLLIN};
    for (double left; (left = end - seconds_now()) > 0;) {
        char c;
        if (poll(&output, 1, (int)(left * 1000) + 1) <= 0)
            continue;
        if (read(output.fd, &c, 1) <= 0)
            break;
        if (c == '\n') {
            doctor->line[length] = '\0';
            return true;
        }
        if (length + 1 < sizeof doctor->line)
            doctor->line[length++] = c;
    }
    doctor->line[length] = '\0';
    return false;
}

static bool learn_pids(struct doctor *doctor)
{
    if (!doctor_hear(doctor, START_S) || strncmp(doctor->line, "pids", 4))
        return false;
    char *at = doctor->line + 4;
    for (char *end; *at == ' ' && doctor->ranks < DOCTOR_RANKS; at = end)
        doctor->pid[doctor->ranks++] = (pid_t)strtol(at, &end, 10);
    return doctor->ranks > 1;
}

bool doctor_start(struct doctor *doctor, const struct doctor_plan *plan)
{
    static int lives;
    int in[2], out[2];
    *doctor = (struct doctor){.start = plan->start, .seed = plan->seed, .node_size = plan->node_size};
    snprintf(doctor->life, sizeof doctor->life, "DOCTOR_LIFE=%ld.%d", (long)getpid(), ++lives);
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
        return false;
    doctor->first = fork();
    if (doctor->first == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execute(doctor, plan);
    }
    close(in[0]);
    close(out[1]);
    doctor->in = fdopen(in[1], "w");
    doctor->out = fdopen(out[0], "r");
    return doctor->first > 0 && doctor->in && doctor->out && learn_pids(doctor);
}

/* ---- Harm --------------------------------------------------------------------------------- */

static void wait_a_while(struct doctor *doctor, double most)
{
    double wait = most * (double)doctor_random(doctor, 1000) * 1e-3;
    nanosleep(
        &(struct timespec){.tv_sec = (time_t)wait, .tv_nsec = (long)((wait - (double)(time_t)wait) * 1e9)},
        NULL);
}

static void let_go_on(struct doctor *doctor, int i)
{
    if (doctor->stopped[i])
        kill(doctor->pid[i], SIGCONT);
    doctor->stopped[i] = false;
}

static void strike(struct doctor *doctor, int i, bool kills)
{
    if (doctor->dead[i])
        return;
    if (kills) {
        kill(doctor->pid[i], SIGKILL); /* stopped ones too */
        doctor->dead[i] = true;
        doctor->stopped[i] = false;
        doctor->deaths++;
    } else if (doctor->stopped[i]) {
        let_go_on(doctor, i);
    } else {
        kill(doctor->pid[i], SIGSTOP);
        doctor->stopped[i] = true;
    }
}

/* One of the workers; of those that are stopped, if there are any, more often. */
static int choose(struct doctor *doctor)
{
    int i = 1 + (int)doctor_random(doctor, (uint64_t)doctor->ranks - 1);
    for (int k = 1; k < doctor->ranks && !doctor->stopped[i] && doctor_random(doctor, 4); k++)
        i = 1 + i % (doctor->ranks - 1);
    return i;
}

void doctor_harm(struct doctor *doctor, int kills, double seconds)
{
    double begun = seconds_now();
    while (seconds_now() - begun < seconds) {
        wait_a_while(doctor, doctor_random(doctor, 8) ? 0.03 : 0.3);
        int i = choose(doctor);
        strike(doctor, i, kills > 0 && doctor_random(doctor, 4) == 0 && !doctor->dead[i] && kills--);
    }
    for (int i = 1; i < doctor->ranks; i++)
        let_go_on(doctor, i);
}

bool doctor_has_left(const struct doctor *doctor)
{
    for (int i = 1; i < doctor->ranks; i++) {
        int leader = doctor->node_size ? i / doctor->node_size * doctor->node_size : 0;
        if (!doctor->dead[i] && !doctor->dead[leader])
            return true;
    }
    return false;
}

/* ---- The end ------------------------------------------------------------------------------ */

static bool await_end(struct doctor *doctor, double seconds)
{
    int status;
    double end = seconds_now() + seconds;
    while (doctor->first > 0 && waitpid(doctor->first, &status, WNOHANG) == 0) {
        if (seconds_now() > end)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    doctor->status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    doctor->first = 0;
    return true;
}

bool doctor_finish(struct doctor *doctor, double seconds)
{
    double end = seconds_now() + seconds;
    fclose(doctor->in);
    doctor->in = NULL;
    bool told = false;
    while (!told && doctor_hear(doctor, end - seconds_now()))
        told = strncmp(doctor->line, "verdict", 7) == 0;
    return await_end(doctor, end - seconds_now()) && told;
}

void doctor_leave(struct doctor *doctor)
{
    for (int i = 0; i < doctor->ranks && doctor->first > 0; i++)
        if (doctor->pid[i] > 0 && !doctor->dead[i])
            kill(doctor->pid[i], SIGKILL);
    if (doctor->first > 0) {
        kill(doctor->first, SIGTERM);
        if (!await_end(doctor, 10)) {
            kill(doctor->first, SIGKILL);
            await_end(doctor, 10);
        }
    }
    if (doctor->in)
        fclose(doctor->in);
    if (doctor->out)
        fclose(doctor->out);
}
