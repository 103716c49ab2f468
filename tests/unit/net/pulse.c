/* Managers and leaders are processes, which end as processes do. */
#define _GNU_SOURCE
#include "net/pulse_socket.h"

#include "check.h"
#include "config/silence.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NODES = 3 };

static struct pulse *invite(struct pulse_invitation *invitation)
{
    struct pulse *pulse;
    REQUIRE_STATUS(pulse_open(NODES, &pulse, NULL), RP_OK);
    REQUIRE_STATUS(pulse_invite(pulse, SILENCE_DEFAULT_S, invitation, NULL), RP_OK);
    return pulse;
}

static _Noreturn void be_a_leader(const struct pulse_invitation *invitation, int node)
{
    struct pulse *pulse;
    if (!pulse_answer(invitation, node, 5, &pulse, NULL))
        for (;;)
            pause();
    _exit(1);
}

/* A leader in a process of its own, which answers while the manager gathers. */
static pid_t start_leader(const struct pulse_invitation *invitation, int node)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        be_a_leader(invitation, node);
    }
    REQUIRE(pid > 0);
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
    pulse_gather(pulse, 2, 5);
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
    pulse_gather(pulse, NODES, 5);
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

/* The child says that it is there, and both stay until the test lets go. */
static _Noreturn void be_a_parent(const struct pulse_invitation *invitation, int said, int let_go)
{
    struct pulse *pulse;
    char byte = 0;
    pid_t child = pulse_answer(invitation, 0, 5, &pulse, NULL) ? -1 : fork();
    bool well = child >= 0 && (child > 0 || write(said, &byte, 1) == 1) && read(let_go, &byte, 1) == 0;
    _exit(!well);
}

TEST_CASE(a_child_that_a_leader_has_forked_hides_no_death)
{
    int said[2], let_go[2];
    char byte;
    struct pulse_invitation invitation;
    struct pulse *pulse = invite(&invitation);
    REQUIRE(pipe(said) == 0 && pipe(let_go) == 0);
    pid_t leader = fork();
    if (leader == 0) {
        close(let_go[1]);
        be_a_parent(&invitation, said[1], let_go[0]);
    }
    pulse_gather(pulse, 1, 5);
    REQUIRE(pulse_hears(pulse, 0));
    CHECK_INT(read(said[0], &byte, 1), 1);
    end_leader(leader, SIGKILL);
    CHECK_INT(wait_for_loss(pulse), 0);
    for (int i = 0; i < 2; i++) {
        close(said[i]);
        close(let_go[i]);
    }
    pulse_close(pulse);
}

TEST_CASE(a_leader_that_is_stopped_is_not_lost)
{
    struct pulse_invitation invitation;
    struct pulse *pulse = invite(&invitation);
    pid_t stopped = start_leader(&invitation, 0), other = start_leader(&invitation, 1);
    pulse_gather(pulse, 2, 5);
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
        if (!pulse_open(NODES, &pulse, NULL) && !pulse_invite(pulse, SILENCE_DEFAULT_S, &invitation, NULL) &&
            write(pipes[1], &invitation, sizeof invitation) == (ssize_t)sizeof invitation) {
            pulse_gather(pulse, 1, 5);
            for (;;)
                pause();
        }
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

/* A stranger tries something, for node 0; if that went as it should, it is a leader then, of node 1, who
 * alone is heard. */
static void check_in_vain(bool (*attempt)(const struct pulse_invitation *invitation))
{
    struct pulse_invitation invitation;
    struct pulse *pulse = invite(&invitation);
    pid_t leader = fork();
    if (leader == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (attempt(&invitation))
            be_a_leader(&invitation, 1);
        _exit(1);
    }
    pulse_gather(pulse, 1, 10);
    CHECK(!pulse_hears(pulse, 0));
    CHECK(pulse_hears(pulse, 1));
    end_leader(leader, SIGKILL);
    CHECK_INT(wait_for_loss(pulse), 1);
    pulse_close(pulse);
}

static bool answer_without_the_secret(const struct pulse_invitation *invitation)
{
    struct pulse_invitation forged = *invitation;
    struct pulse *none;
    forged.secret[3] ^= 1;
    return pulse_answer(&forged, 0, 5, &none, NULL) && pulse_answer(invitation, NODES, 5, &none, NULL);
}

TEST_CASE(who_does_not_know_the_secret_is_not_taken_for_a_leader)
{
    check_in_vain(answer_without_the_secret);
}

static int call(const struct pulse_invitation *invitation)
{
    struct sockaddr_in there = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = invitation->port};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(fd, (struct sockaddr *)&there, sizeof there) ? -1 : fd;
}

static bool exchange_hello(int fd, struct pulse_challenge *challenge)
{
    struct pulse_hello hello = {.nonce = {7}, .node = 0};
    return send(fd, &hello, sizeof hello, 0) == (ssize_t)sizeof hello &&
           recv(fd, challenge, sizeof *challenge, MSG_WAITALL) == (ssize_t)sizeof *challenge;
}

/* True if it was turned away who said again what a leader had said on another connection. */
static bool say_it_again(const struct pulse_invitation *invitation)
{
    struct pulse_challenge overheard, other;
    const struct pulse_hello hello = {.nonce = {7}, .node = 0};
    int leader = call(invitation), again = call(invitation);
    if (!exchange_hello(leader, &overheard) || !exchange_hello(again, &other))
        return false;
    uint64_t proof = pulse_digest(invitation->secret, PULSE_LEADER, &hello, overheard.nonce);
    char byte;
    return send(again, &proof, sizeof proof, 0) == (ssize_t)sizeof proof && recv(again, &byte, 1, 0) <= 0;
}

TEST_CASE(who_has_overheard_a_leader_is_not_taken_for_it)
{
    check_in_vain(say_it_again);
}

static bool call_often(const struct pulse_invitation *invitation)
{
    bool all = true;
    for (int i = 0; i < 60; i++)
        all &= call(invitation) >= 0;
    return all;
}

TEST_CASE(strangers_who_say_nothing_keep_no_leader_out)
{
    check_in_vain(call_often);
}

TEST_CASE(a_leader_that_comes_over_several_addresses_is_heard_once)
{
    struct pulse_invitation invitation;
    struct pulse *pulse = invite(&invitation);
    invitation.count = 3;
    for (uint8_t i = 0; i < 3; i++)
        invitation.address[i] = (struct address){AF_INET, {127, 0, 0, (uint8_t)(i + 1)}};
    pid_t leader = start_leader(&invitation, 0), other = start_leader(&invitation, 1);
    pulse_gather(pulse, 2, 5);
    CHECK_INT(pulse_lost(pulse), -1);
    CHECK(pulse_hears(pulse, 0) && pulse_hears(pulse, 1));
    end_leader(leader, SIGKILL);
    CHECK_INT(wait_for_loss(pulse), 0);
    CHECK_INT(pulse_lost(pulse), -1);
    end_leader(other, SIGKILL);
    pulse_close(pulse);
}

TEST_CASE(a_node_that_does_not_hear_is_forgotten_and_never_lost)
{
    struct pulse_invitation invitation;
    struct pulse *pulse = invite(&invitation);
    pid_t deaf = start_leader(&invitation, 0), other = start_leader(&invitation, 1);
    pulse_gather(pulse, 2, 5);
    pulse_forget(pulse, 0);
    CHECK(!pulse_hears(pulse, 0));
    end_leader(deaf, SIGKILL);
    end_leader(other, SIGKILL);
    CHECK_INT(wait_for_loss(pulse), 1);
    CHECK_INT(pulse_lost(pulse), -1);
    pulse_close(pulse);
}

/* Somebody who listens at the port of an invitation that another has written. */
static int be_invited_by_a_stranger(struct pulse_invitation *invitation)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(!bind(fd, (struct sockaddr *)&here, size) && !listen(fd, 5));
    REQUIRE(!getsockname(fd, (struct sockaddr *)&here, &size));
    *invitation = (struct pulse_invitation){
        .silence_s = 5, .port = here.sin_port, .count = 1, .address[0] = {AF_INET, {127, 0, 0, 1}}};
    return fd;
}

TEST_CASE(a_stranger_is_not_taken_for_the_manager)
{
    struct pulse_invitation invitation;
    struct pulse_challenge forged = {.digest = 1};
    struct pulse_hello hello;
    struct pulse *leader;
    int status, fd = be_invited_by_a_stranger(&invitation);
    pid_t pid = fork();
    if (pid == 0)
        _exit(pulse_answer(&invitation, 0, 20, &leader, NULL) == RP_UNSUPPORTED ? 0 : 1);
    int caller = accept(fd, NULL, NULL);
    CHECK_INT(recv(caller, &hello, sizeof hello, MSG_WAITALL), sizeof hello);
    CHECK_INT(send(caller, &forged, sizeof forged, 0), sizeof forged);
    CHECK_INT(waitpid(pid, &status, 0), pid); /* long before its time is up */
    CHECK_INT(status, 0);
    close(caller);
    close(fd);
}

TEST_CASE(one_who_listens_and_says_nothing_is_not_waited_for_longer_than_allowed)
{
    struct pulse_invitation invitation;
    struct pulse *leader;
    int fd = be_invited_by_a_stranger(&invitation);
    CHECK_STATUS(pulse_answer(&invitation, 0, 0.05, &leader, NULL), RP_UNSUPPORTED);
    close(fd);
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

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    getsockopt(fd, level, name, &value, &size);
    return value;
}

TEST_CASE(silence_of_a_kernel_is_bounded_by_what_the_sockets_were_told)
{
    static const int silences[] = {SILENCE_LEAST_S, 3, 5, 7, 11, SILENCE_DEFAULT_S, 61, SILENCE_MOST_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (size_t i = 0; i < sizeof silences / sizeof *silences; i++) {
        check_note("%d seconds", silences[i]);
        CHECK(pulse_keep_alive(fd, silences[i]));
        int idle = option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), ask = option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL),
            times = option_of(fd, IPPROTO_TCP, TCP_KEEPCNT);
        CHECK_INT(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
        CHECK_INT(idle + ask * times, silences[i]);
        CHECK(idle > 0 && ask > 0 && times > 0);
    }
    close(fd);
}

TEST_CASE(both_ends_keep_to_the_silence_of_the_invitation)
{
    struct pulse_invitation invitation;
    struct pulse *pulse, *leader;
    REQUIRE_STATUS(pulse_open(NODES, &pulse, NULL), RP_OK);
    REQUIRE_STATUS(pulse_invite(pulse, 2, &invitation, NULL), RP_OK);
    pid_t pid = fork();
    if (pid == 0)
        _exit(pulse_answer(&invitation, 0, 5, &leader, NULL) ||
              option_of(pulse_fd(leader), IPPROTO_TCP, TCP_KEEPIDLE) != 1);
    pulse_gather(pulse, 1, 5);
    CHECK_INT(option_of(pulse_fd(pulse), IPPROTO_TCP, TCP_KEEPIDLE), 1);
    int status;
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
    pulse_close(pulse);
}

TEST_CASE(an_end_that_is_closed_in_good_order_is_no_loss)
{
    struct pulse_invitation invitation;
    struct pulse *pulse = invite(&invitation), *leader;
    int pipes[2];
    REQUIRE(pipe(pipes) == 0);
    pid_t leaving = fork();
    if (leaving == 0) {
        bool failed = pulse_answer(&invitation, 0, 5, &leader, NULL);
        pulse_close(failed ? NULL : leader);
        _exit(failed);
    }
    pid_t staying = fork();
    if (staying == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        bool failed = pulse_answer(&invitation, 1, 5, &leader, NULL);
        struct pollfd poller = {.fd = failed ? -1 : pulse_fd(leader), .events = POLLIN};
        bool parted = !failed && poll(&poller, 1, -1) == 1 && pulse_has_parted(pulse_fd(leader));
        _exit(write(pipes[1], parted ? "y" : "n", 1) != 1);
    }
    pulse_gather(pulse, 2, 5);
    end_leader(leaving, 0);
    CHECK_INT(pulse_lost(pulse), -1);
    CHECK(!pulse_hears(pulse, 0));
    pulse_close(pulse);
    char answer = 0;
    CHECK_INT(read(pipes[0], &answer, 1), 1);
    CHECK_INT(answer, 'y');
    end_leader(staying, 0);
    close(pipes[0]);
    close(pipes[1]);
}

/* A leader that leaves in good order, and then waits for what its manager says to that: as a process that is
 * in MPI_Finalize does, whose end of the connection stays open meanwhile. */
static _Noreturn void leave_and_listen(const struct pulse_invitation *invitation)
{
    struct pulse *pulse;
    char byte = 'x';
    if (pulse_answer(invitation, 0, 5, &pulse, NULL))
        _exit(2);
    int end = dup(pulse_fd(pulse));
    pulse_close(pulse);
    struct pollfd poller = {.fd = end, .events = POLLIN};
    _exit(poll(&poller, 1, -1) == 1 && recv(end, &byte, 1, 0) == 1 ? 0 : 1);
}

TEST_CASE(a_leader_that_has_left_in_good_order_does_not_take_its_manager_for_dead)
{
    struct pulse_invitation invitation;
    struct pulse *pulse = invite(&invitation);
    int status = -1;
    pid_t leader = fork();
    if (leader == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        leave_and_listen(&invitation);
    }
    pulse_gather(pulse, 1, 5);
    while (pulse_hears(pulse, 0)) {
        CHECK_INT(pulse_lost(pulse), -1);
        rest();
    }
    CHECK_INT(waitpid(leader, &status, 0), leader);
    CHECK_INT(status, 0);
    pulse_close(pulse);
}

TEST_CASE(a_loss_is_heard_once_where_a_child_of_the_program_has_the_connection_too)
{
    struct pulse_invitation invitation;
    struct pulse *pulse = invite(&invitation);
    pid_t leader = start_leader(&invitation, 0), other = start_leader(&invitation, 1);
    pulse_gather(pulse, 2, 5);
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    end_leader(leader, SIGKILL);
    CHECK_INT(wait_for_loss(pulse), 0);
    CHECK_INT(pulse_lost(pulse), -1);
    end_leader(other, SIGKILL);
    CHECK_INT(wait_for_loss(pulse), 1);
    CHECK_INT(pulse_lost(pulse), -1);
    end_leader(child, SIGKILL);
    pulse_close(pulse);
}
