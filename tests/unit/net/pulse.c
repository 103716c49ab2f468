/* Managers and leaders are processes, which end as processes do. */
#define _GNU_SOURCE
#include "net/pulse.h"

#include "check.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NODES = 3 };

static struct pulse *invite(struct pulse_invitation *invitation)
{
    struct pulse *pulse;
    REQUIRE_STATUS(pulse_open(NODES, &pulse, NULL), RP_OK);
    REQUIRE_STATUS(pulse_invite(pulse, invitation, NULL), RP_OK);
    return pulse;
}

/* A leader in a process of its own, which has answered when this returns. */
static pid_t start_leader(const struct pulse_invitation *invitation, int node)
{
    int pipes[2];
    char answered;
    REQUIRE(pipe(pipes) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct pulse *pulse;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!pulse_answer(invitation, node, 5, &pulse, NULL) && write(pipes[1], "", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    close(pipes[1]);
    REQUIRE(pid > 0);
    CHECK_INT(read(pipes[0], &answered, 1), 1);
    close(pipes[0]);
    return pid;
}

static void end_leader(pid_t pid, int signal)
{
    kill(pid, signal);
    CHECK_INT(waitpid(pid, NULL, 0), pid);
}

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* The case's time limit ends it if nobody is ever lost. */
static int wait_for_loss(struct pulse *pulse)
{
    int node;
    while ((node = pulse_lost(pulse)) < 0)
        rest();
    return node;
}

TEST_CASE(whoever_answers_is_heard)
{
    struct pulse_invitation invitation;
    struct pulse *pulse = invite(&invitation);
    pid_t first = start_leader(&invitation, 0), last = start_leader(&invitation, 2);
    pulse_gather(pulse);
    CHECK(pulse_hears(pulse, 0));
    CHECK(!pulse_hears(pulse, 1));
    CHECK(pulse_hears(pulse, 2));
    CHECK_INT(pulse_lost(pulse), -1);
    end_leader(first, SIGKILL);
    end_leader(last, SIGKILL);
    pulse_close(pulse);
}

TEST_CASE(the_death_of_a_leader_is_heard_once_and_names_its_node)
{
    struct pulse_invitation invitation;
    struct pulse *pulse = invite(&invitation);
    pid_t leader[NODES];
    for (int i = 0; i < NODES; i++)
        leader[i] = start_leader(&invitation, i);
    pulse_gather(pulse);
    end_leader(leader[1], SIGKILL);
    CHECK_INT(wait_for_loss(pulse), 1);
    CHECK_INT(pulse_lost(pulse), -1);
    CHECK(!pulse_hears(pulse, 1));
    end_leader(leader[0], SIGTERM);
    CHECK_INT(wait_for_loss(pulse), 0);
    CHECK(pulse_hears(pulse, 2));
    end_leader(leader[2], SIGKILL);
    pulse_close(pulse);
}

TEST_CASE(a_leader_that_is_stopped_is_not_lost)
{
    struct pulse_invitation invitation;
    struct pulse *pulse = invite(&invitation);
    pid_t stopped = start_leader(&invitation, 0), other = start_leader(&invitation, 1);
    pulse_gather(pulse);
    kill(stopped, SIGSTOP);
    waitpid(stopped, NULL, WUNTRACED);
    end_leader(other, SIGKILL);
    CHECK_INT(wait_for_loss(pulse), 1);
    CHECK_INT(pulse_lost(pulse), -1);
    end_leader(stopped, SIGKILL);
    CHECK_INT(wait_for_loss(pulse), 0);
    pulse_close(pulse);
}

TEST_CASE(the_death_of_the_manager_is_heard_by_a_leader)
{
    int pipes[2];
    struct pulse_invitation invitation;
    struct pulse *pulse;
    REQUIRE(pipe(pipes) == 0);
    pid_t manager = fork();
    if (manager == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!pulse_open(NODES, &pulse, NULL) && !pulse_invite(pulse, &invitation, NULL) &&
            write(pipes[1], &invitation, sizeof invitation) == (ssize_t)sizeof invitation)
            for (;;)
                pause();
        _exit(1);
    }
    REQUIRE(read(pipes[0], &invitation, sizeof invitation) == (ssize_t)sizeof invitation);
    REQUIRE_STATUS(pulse_answer(&invitation, 1, 5, &pulse, NULL), RP_OK);
    struct pollfd poller = {.fd = pulse_fd(pulse), .events = POLLIN};
    CHECK_INT(poll(&poller, 1, 0), 0);
    end_leader(manager, SIGKILL);
    CHECK_INT(poll(&poller, 1, -1), 1);
    pulse_close(pulse);
    close(pipes[0]);
    close(pipes[1]);
}

static pid_t start_process(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    REQUIRE(pid > 0);
    return pid;
}

TEST_CASE(a_process_of_this_kernel_is_heard_without_a_connection)
{
    struct pulse *pulse, *leader;
    pid_t process = start_process();
    REQUIRE_STATUS(pulse_open(NODES, &pulse, NULL), RP_OK);
    REQUIRE_STATUS(pulse_watch_manager(process, &leader, NULL), RP_OK);
    pulse_watch(pulse, 2, process);
    struct pollfd poller = {.fd = pulse_fd(leader), .events = POLLIN};
    CHECK(pulse_hears(pulse, 2));
    CHECK_INT(pulse_lost(pulse), -1);
    CHECK_INT(poll(&poller, 1, 0), 0);
    end_leader(process, SIGKILL);
    CHECK_INT(wait_for_loss(pulse), 2);
    CHECK_INT(poll(&poller, 1, -1), 1);
    pulse_close(leader);
    pulse_close(pulse);
}

TEST_CASE(who_does_not_know_the_secret_is_not_taken_for_a_leader)
{
    struct pulse_invitation invitation, forged;
    struct pulse *pulse = invite(&invitation);
    forged = invitation;
    forged.secret[3] ^= 1;
    pid_t stranger = start_leader(&forged, 0), wrong = start_leader(&invitation, NODES),
          leader = start_leader(&invitation, 1);
    pulse_gather(pulse);
    CHECK(!pulse_hears(pulse, 0));
    CHECK(pulse_hears(pulse, 1));
    end_leader(stranger, SIGKILL);
    end_leader(wrong, SIGKILL);
    end_leader(leader, SIGKILL);
    CHECK_INT(wait_for_loss(pulse), 1);
    pulse_close(pulse);
}

TEST_CASE(where_nobody_listens_a_leader_is_told_so_in_time)
{
    struct pulse_invitation invitation;
    struct pulse *pulse = invite(&invitation), *leader;
    struct error error;
    pulse_close(pulse);
    CHECK_STATUS(pulse_answer(&invitation, 0, 5, &leader, &error), RP_UNSUPPORTED);
    CHECK_HAS(error.text, "whether nodes live");
    invitation = (struct pulse_invitation){0};
    CHECK_STATUS(pulse_answer(&invitation, 0, 5, &leader, &error), RP_UNSUPPORTED);
}

TEST_CASE(silence_of_a_kernel_is_bounded_by_what_the_sockets_were_told)
{
    struct pulse_invitation invitation;
    struct pulse *pulse = invite(&invitation), *leader;
    REQUIRE_STATUS(pulse_answer(&invitation, 0, 5, &leader, NULL), RP_OK);
    int on = 0, idle = 0, ask = 0, times = 0;
    socklen_t size = sizeof on;
    getsockopt(pulse_fd(leader), SOL_SOCKET, SO_KEEPALIVE, &on, &size);
    getsockopt(pulse_fd(leader), IPPROTO_TCP, TCP_KEEPIDLE, &idle, &size);
    getsockopt(pulse_fd(leader), IPPROTO_TCP, TCP_KEEPINTVL, &ask, &size);
    getsockopt(pulse_fd(leader), IPPROTO_TCP, TCP_KEEPCNT, &times, &size);
    CHECK(on);
    CHECK_INT(idle + ask * times, PULSE_SILENCE_S);
    pulse_close(leader);
    pulse_close(pulse);
}
