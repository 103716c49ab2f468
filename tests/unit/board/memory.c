/* Segments of both kinds, from creation to the last user's end. */
#define _GNU_SOURCE
#include "board/memory.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/board.h"
#include "board/growing.h"
#include "check.h"
#include "crowd.h"
#include "deny.h"
#include "traces.h"

static const enum memory_kind kinds[] = {MEMORY_MEMFD, MEMORY_SHM, MEMORY_POSIX};

#define EACH_KIND(kind)                                                                                      \
    for (const enum memory_kind *kind = kinds; kind < kinds + sizeof kinds / sizeof *kinds; kind++)

/* Runs `body` in a child process, whose checks count. */
static void in_child(void (*body)(void *state), void *state)
{
    int status;
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        body(state);
        _exit(0);
    }
    REQUIRE(waitpid(pid, &status, 0) == pid);
    if (status)
        CHECK_FAILED("the child ended with wait status %#x", (unsigned)status);
}

struct exchange {
    struct memory_handle handle;
    size_t size;
};

static void attach_and_answer(void *state)
{
    const struct exchange *exchange = state;
    struct memory memory;
    struct error error;
    REQUIRE_STATUS(memory_attach(&exchange->handle, &memory, &error), RP_OK);
    CHECK_UINT(memory.size, exchange->size);
    volatile unsigned char *bytes = memory.base;
    CHECK_UINT(bytes[0], 17);
    bytes[exchange->size - 1] = 42;
    memory_release(&memory);
}

TEST_CASE(what_one_process_writes_the_other_reads)
{
    struct error error;
    struct memory memory;
    EACH_KIND(kind)
    {
        check_note("kind %d", *kind);
        struct exchange exchange = {.size = 3 << 20};
        REQUIRE_STATUS(memory_create(*kind, exchange.size, &memory, &error), RP_OK);
        unsigned char *bytes = memory.base;
        for (size_t i = 0; i < exchange.size; i += 4096)
            REQUIRE(bytes[i] == 0);
        bytes[0] = 17;
        exchange.handle = memory_handle_of(&memory);
        in_child(attach_and_answer, &exchange);
        CHECK_UINT(bytes[exchange.size - 1], 42);
        memory_release(&memory);
    }
}

TEST_CASE(a_segment_leaves_no_name_no_descriptor_and_may_be_released_twice)
{
    int descriptors = count_entries("/proc/self/fd", "*");
    struct error error;
    EACH_KIND(kind)
    {
        struct memory memory;
        check_note("kind %d", *kind);
        REQUIRE_STATUS(memory_create(*kind, 1 << 20, &memory, &error), RP_OK);
        CHECK_INT(count_names(getpid()), *kind == MEMORY_POSIX);
        memory_release(&memory);
        memory_release(&memory);
        CHECK_INT(count_names(getpid()), 0);
        CHECK_INT(count_entries("/proc/self/fd", "*"), descriptors);
    }
    struct memory memory, attached;
    REQUIRE_STATUS(memory_create(MEMORY_MEMFD, 1 << 20, &memory, &error), RP_OK);
    struct memory_handle handle = memory_handle_of(&memory);
    REQUIRE_STATUS(memory_attach(&handle, &attached, &error), RP_OK);
    CHECK_INT(count_entries("/proc/self/fd", "*"), descriptors + 1);
    memory_release(&attached);
    memory_release(&memory);
    struct memory none = {0};
    memory_release(&none);
    CHECK_INT(count_entries("/proc/self/fd", "*"), descriptors);
}

TEST_CASE(a_forgotten_name_leaves_the_segment_to_those_who_have_it)
{
    struct error error;
    struct memory memory, attached, late;
    REQUIRE_STATUS(memory_create(MEMORY_POSIX, 1 << 20, &memory, &error), RP_OK);
    struct memory_handle handle = memory_handle_of(&memory);
    REQUIRE_STATUS(memory_attach(&handle, &attached, &error), RP_OK);
    memory_forget_name(&memory);
    CHECK_INT(count_names(getpid()), 0);
    *(char *)memory.base = 5;
    CHECK_INT(*(char *)attached.base, 5);
    CHECK_STATUS(memory_attach(&handle, &late, &error), RP_CLOSED);
    memory_release(&attached);
    memory_release(&memory);
}

TEST_CASE(a_segment_that_is_gone_is_refused)
{
    struct error error;
    EACH_KIND(kind)
    {
        struct memory memory, attached;
        check_note("kind %d", *kind);
        REQUIRE_STATUS(memory_create(*kind, 1 << 20, &memory, &error), RP_OK);
        struct memory_handle handle = memory_handle_of(&memory);
        memory_release(&memory);
        CHECK_STATUS(memory_attach(&handle, &attached, &error), RP_CLOSED);
        CHECK_HAS(error.text, "cannot attach");
    }
}

/* The number of a descriptor may name another file by the time it is opened. */
TEST_CASE(another_file_in_its_place_is_no_board)
{
    struct error error;
    struct roster roster, other;
    struct board board, attached;
    REQUIRE_STATUS(roster_create(&roster, 1, MEMORY_MEMFD, &error), RP_OK);
    REQUIRE_STATUS(board_create(&board, &roster, 7, MEMORY_MEMFD, &error), RP_OK);
    struct memory_handle of_board = memory_handle_of(&board.memory);
    struct memory_handle of_roster = memory_handle_of(&roster.memory);
    CHECK_STATUS(board_attach(&attached, &roster, 8, &of_board, &error), RP_CLOSED);
    CHECK_STATUS(board_attach(&attached, &roster, 7, &of_roster, &error), RP_CLOSED);
    CHECK_STATUS(roster_attach(&other, &of_board, 1, &error), RP_CLOSED);
    CHECK_STATUS(roster_attach(&other, &of_roster, 2, &error), RP_CLOSED);
    CHECK_STATUS(board_attach(&attached, &roster, 7, &of_board, &error), RP_OK);
    board_release(&attached);
    board_release(&board);
    roster_release(&roster);
}

TEST_CASE(a_roster_has_room_for_its_most_workers_and_no_more)
{
    struct error error;
    struct roster roster;
    CHECK_STATUS(roster_create(&roster, BOARD_WORKERS_MAX + 1, MEMORY_MEMFD, &error), RP_INVALID);
    CHECK_HAS(error.text, "1024");
    REQUIRE_STATUS(roster_create(&roster, BOARD_WORKERS_MAX, MEMORY_MEMFD, &error), RP_OK);
    struct board board;
    REQUIRE_STATUS(board_create(&board, &roster, 1, MEMORY_MEMFD, &error), RP_OK);
    uint64_t last = board_region(&board, BOARD_WORKERS_MAX);
    *(char *)board_at(&board, last + board.shared->region_size - 1) = 1;
    board_release(&board);
    roster_release(&roster);
}

/* ---- Where memory is short ------------------------------------------------------------------- */

/* A /dev/shm of one megabyte, seen by this process alone; false: not allowed here. */
static bool mount_small_shm(void)
{
    return unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) == 0 &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", "/dev/shm", "tmpfs", 0, "size=1m") == 0;
}

enum { NOT_ALLOWED = 77 };

static void fill_shm(void *state)
{
    (void)state;
    struct error error;
    struct memory memory;
    struct roster roster;
    struct board board;
    if (!mount_small_shm())
        _exit(NOT_ALLOWED);
    CHECK_STATUS(memory_create(MEMORY_POSIX, 2 << 20, &memory, &error), RP_NO_MEMORY);
    CHECK_HAS(error.text, "/dev/shm");
    CHECK_INT(count_names(getpid()), 0);
    REQUIRE_STATUS(memory_create(MEMORY_POSIX, 512 << 10, &memory, &error), RP_OK);
    memset(memory.base, 1, 512 << 10); /* is there: no SIGBUS */
    memory_release(&memory);
    REQUIRE_STATUS(roster_create(&roster, 2, MEMORY_POSIX, &error), RP_OK);
    CHECK_STATUS(board_create(&board, &roster, 1, MEMORY_POSIX, &error), RP_NO_MEMORY);
    roster_release(&roster);
    CHECK_INT(count_names(getpid()), 0);
}

TEST_CASE(a_full_dev_shm_is_a_sentence_and_leaves_nothing)
{
    int status;
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        fill_shm(NULL);
        _exit(0);
    }
    REQUIRE(waitpid(pid, &status, 0) == pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_ALLOWED)
        SKIP_CASE("a small /dev/shm cannot be mounted here: no right to make a mount namespace");
    CHECK_INT(status, 0);
}

static void create_board(void)
{
    struct error error;
    struct roster roster;
    struct board board;
    REQUIRE_STATUS(roster_create(&roster, 2, MEMORY_MEMFD, &error), RP_OK);
    if (CHECK_STATUS(board_create(&board, &roster, 1, MEMORY_MEMFD, &error), RP_OK))
        board_release(&board);
    roster_release(&roster);
}

static void limit_files(void *state)
{
    (void)state;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 30, 1 << 30}) == 0);
    create_board();
}

TEST_CASE(a_limit_on_the_size_of_files_makes_the_board_smaller)
{
    in_child(limit_files, NULL);
}

static void limit_files_too_much(void *state)
{
    (void)state;
    struct error error;
    struct memory memory;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 20, 1 << 20}) == 0);
    EACH_KIND(kind)
    {
        check_note("kind %d", *kind);
        CHECK_STATUS(memory_create(*kind, 2 << 20, &memory, &error), RP_NO_MEMORY);
    }
    CHECK_INT(count_names(getpid()), 0);
}

TEST_CASE(a_segment_beyond_the_limit_of_files_is_refused)
{
    in_child(limit_files_too_much, NULL);
}

#if !BUILT_WITH(address_sanitizer) && !BUILT_WITH(thread_sanitizer) /* they need address space themselves */
static void limit_address_space(void *state)
{
    (void)state;
    REQUIRE(setrlimit(RLIMIT_AS, &(struct rlimit){1 << 30, 1 << 30}) == 0);
    create_board();
}

TEST_CASE(a_limit_on_address_space_makes_the_board_smaller)
{
    in_child(limit_address_space, NULL);
}
#endif

/* ---- Who dies -------------------------------------------------------------------------------- */

static void die_as_creator(void *state)
{
    int *to = state;
    struct error error;
    struct memory memory;
    REQUIRE_STATUS(memory_create(MEMORY_MEMFD, 1 << 20, &memory, &error), RP_OK);
    *(char *)memory.base = 9;
    struct memory_handle handle = memory_handle_of(&memory);
    REQUIRE(write(to[1], &handle, sizeof handle) == sizeof handle);
    char go;
    REQUIRE(read(to[2], &go, 1) == 1);
    raise(SIGKILL);
}

TEST_CASE(a_memfd_outlives_its_creator_for_those_who_attached)
{
    int pipes[4];
    struct error error;
    struct memory memory;
    struct memory_handle handle;
    REQUIRE(pipe(pipes) == 0 && pipe(pipes + 2) == 0);
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0)
        die_as_creator(pipes);
    REQUIRE(read(pipes[0], &handle, sizeof handle) == sizeof handle);
    REQUIRE_STATUS(memory_attach(&handle, &memory, &error), RP_OK);
    REQUIRE(write(pipes[3], "", 1) == 1);
    int status;
    waitpid(pid, &status, 0);
    CHECK(WIFSIGNALED(status));
    CHECK_INT(*(char *)memory.base, 9);
    struct memory late;
    CHECK_STATUS(memory_attach(&handle, &late, &error), RP_CLOSED);
    memory_release(&memory);
    for (int i = 0; i < 4; i++)
        close(pipes[i]);
}

static void use_no_memfds(void *state)
{
    (void)state;
    CHECK_INT(memory_usual(), MEMORY_MEMFD);
    if (deny_memfds())
        CHECK_INT(memory_usual(), MEMORY_SHM);
    CHECK_INT(count_names(getpid()), 0);
}

static void grow_without_memfds(void *state)
{
    struct memory memory;
    struct error error = {0};
    (void)state;
    CHECK_STATUS(growing_is_possible(&error), RP_OK);
    if (!deny_memfds())
        return;
    CHECK_STATUS(growing_is_possible(&error), RP_UNSUPPORTED);
    CHECK_HAS(error.text, "memfd_create");
    CHECK_STATUS(growing_create(1 << 20, 4096, &memory, &error), RP_UNSUPPORTED);
}

TEST_CASE(where_the_kernel_has_no_memfds_there_are_no_segments_that_grow)
{
    in_child(grow_without_memfds, NULL);
}

TEST_CASE(where_the_kernel_has_no_memfds_segments_have_no_name_either)
{
    in_child(use_no_memfds, NULL);
}
