/* Lists of CPUs, and processes that start as they are told. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/list.h"
#include "launch/process.h"

TEST_CASE(a_list_of_cpus_is_a_set)
{
    cpu_set_t *set;
    size_t size;
    REQUIRE_STATUS(process_cpus("0-2,5,1500", &set, &size, NULL), RP_OK);
    CHECK_INT(CPU_COUNT_S(size, set), 5);
    CHECK(CPU_ISSET_S(0, size, set) && CPU_ISSET_S(2, size, set) && CPU_ISSET_S(5, size, set));
    CHECK(CPU_ISSET_S(1500, size, set) && !CPU_ISSET_S(3, size, set));
    CPU_FREE(set);
}

TEST_CASE(what_is_no_list_of_cpus_is_refused)
{
    static const char *const wrong[] = {"",  ",",   "1,",  "1-",          "-1",  "3-1",
                                        "a", "1 2", "0x1", "99999999999", "1,,2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cpu_set_t *set;
        size_t size;
        struct error error;
        check_note("\"%s\"", wrong[i]);
        CHECK_STATUS(process_cpus(wrong[i], &set, &size, &error), RP_INVALID);
        CHECK_HAS(error.text, "is not a list of CPUs");
    }
    check_note("%s", "");
}

static int status_of(struct process process)
{
    static char *const nothing[] = {NULL};
    sigset_t none;
    pid_t pid;
    int status;
    sigemptyset(&none);
    process.environment = process.environment ? process.environment : nothing;
    process.mask = &none;
    REQUIRE_STATUS(process_start(&process, &pid, NULL), RP_OK);
    REQUIRE(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static struct process shell(char **arguments, char *command)
{
    arguments[0] = "sh", arguments[1] = "-c", arguments[2] = command, arguments[3] = NULL;
    return (struct process){.path = "/bin/sh", .arguments = arguments};
}

TEST_CASE(a_process_starts_with_its_environment_in_its_folder)
{
    char *arguments[4], *environment[] = {"A=7", NULL};
    struct process process = shell(arguments, "test \"$(pwd)\" = / && exit $A");
    process.environment = environment;
    process.directory = "/";
    CHECK_INT(status_of(process), 7);
}

TEST_CASE(a_folder_that_cannot_be_entered_is_no_reason_to_fail)
{
    char *arguments[4];
    struct process process = shell(arguments, "exit 8");
    process.directory = "/nowhere";
    CHECK_INT(status_of(process), 8);
}

TEST_CASE(only_the_descriptor_to_keep_is_kept)
{
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    char *arguments[4], command[128];
    snprintf(command, sizeof command, "test -e /proc/$$/fd/%d && test ! -e /proc/$$/fd/%d && exit 9", ends[0],
             ends[1]);
    struct process process = shell(arguments, command);
    process.keep = ends[0];
    CHECK_INT(status_of(process), 9);
    close(ends[0]);
    close(ends[1]);
}

TEST_CASE(a_process_group_of_its_own_is_made)
{
    char *arguments[4];
    struct process process = shell(arguments, "kill -9 0");
    process.own_group = true;
    CHECK_INT(status_of(process), 1000 + SIGKILL);
}

TEST_CASE(a_process_gets_the_signal_that_it_wants_when_its_parent_dies)
{
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    pid_t parent = fork();
    REQUIRE(parent >= 0);
    if (parent == 0) {
        char *arguments[] = {"sleep", "1000", NULL};
        struct process process = {.path = "/bin/sleep", .arguments = arguments, .environment = arguments + 2};
        sigset_t none;
        pid_t pid;
        sigemptyset(&none);
        process.mask = &none;
        process.death_signal = SIGKILL;
        REQUIRE_STATUS(process_start(&process, &pid, NULL), RP_OK);
        _exit(0);
    }
    char byte;
    close(ends[1]);
    CHECK_INT(read(ends[0], &byte, 1), 0); /* the pipe ends with the last process that holds it */
    CHECK_INT(waitpid(parent, NULL, 0), parent);
    close(ends[0]);
}

TEST_CASE(an_ignored_signal_of_children_stays_ignored)
{
    char *arguments[] = {"grep", "-q", "^SigIgn:.*[13579bdf]....$", "/proc/self/status", NULL};
    struct process process = {.path = "/bin/grep", .arguments = arguments};
    CHECK_INT(status_of(process), 1);
    process.child_action = &(struct sigaction){.sa_handler = SIG_IGN};
    CHECK_INT(status_of(process), 0);
}

TEST_CASE(what_cannot_be_executed_is_told)
{
#if defined(__SANITIZE_THREAD__)
    SKIP_CASE("ThreadSanitizer makes a fork of vfork, whose child can tell nothing");
#endif
    char *arguments[] = {"nothing", NULL};
    sigset_t none;
    sigemptyset(&none);
    struct process process = {
        .path = "/nowhere", .arguments = arguments, .environment = arguments + 1, .mask = &none};
    struct error error;
    pid_t pid;
    CHECK_STATUS(process_start(&process, &pid, &error), RP_LAUNCH);
    CHECK_STR(error.text, "/nowhere could not be started: No such file or directory");
    CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
}

TEST_CASE(a_list_has_a_value_for_a_whole_name_only)
{
    char *environment[] = {"AB=1", "A=2", "C", NULL};
    CHECK_STR(list_value(environment, "A"), "2");
    CHECK_PTR(list_value(environment, "C"), NULL);
    CHECK_PTR(list_value(NULL, "A"), NULL);
}
