/* The journal after what must not harm it: processes that are killed while they write, and a wrong bit.
 * (tests/fuzz/journal.c has files of any bytes.) */
#define _GNU_SOURCE
#include "record/journal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "journals.h"

static uint64_t state = 20240607;

static uint64_t draw(uint64_t below)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}

/* ---- Killed ------------------------------------------------------------------------------ */

/* Stores items from `from` on, and says over the pipe how many are known to be in the file. */
static void write_until_killed(int told, uint64_t from)
{
    struct journal *journal;
    struct error error;
    if (journals_open(NULL, &journal, &error))
        _exit(2);
    for (uint64_t item = from; item < from + 100000; item += 100) {
        uint64_t end = item + 100;
        journals_store(journal, item, end, 200);
        if (draw(3))
            continue;
        journal_flush(journal);
        if (write(told, &end, sizeof end) != sizeof end)
            _exit(3);
    }
    _exit(0);
}

static uint64_t kill_a_writer(uint64_t from)
{
    int told[2], status;
    REQUIRE(pipe2(told, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0)
        write_until_killed(told[1], from);
    close(told[1]);
    usleep((useconds_t)draw(60000));
    kill(child, SIGKILL);
    REQUIRE(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status))
        CHECK_INT(WEXITSTATUS(status), 0);
    uint64_t promised = from, end;
    while (read(told[0], &end, sizeof end) == sizeof end)
        promised = end;
    close(told[0]);
    return promised;
}

TEST_CASE(what_was_in_the_file_when_its_writer_was_killed_is_found)
{
    uint64_t promised = 0;
    journals_begin();
    for (int round = 0; round < 25; round++) {
        check_note("round %d", round);
        state += (uint64_t)round;
        promised = kill_a_writer(promised);
        struct journal *journal = journals_require();
        size_t found = journals_count(journal, promised + 100000, NULL);
        CHECK(found >= promised);
        promised = found; /* what is stored stands in order here */
        CHECK_STATUS(journal_close(journal, true, NULL), RP_OK);
        if (!CHECK_STR(journals_ask("PRAGMA integrity_check"), "ok"))
            break;
    }
    check_note("%s", "");
    CHECK(promised > 0);
    journals_end();
}

/* The process has SQLite's files open when it is killed, at any moment of their making. */
TEST_CASE(a_file_that_was_being_made_when_its_maker_was_killed_can_be_used)
{
    uint64_t end = clock_deadline(8);
    for (int round = 0; round < 150 && !clock_has_passed(end); round++) {
        int status;
        check_note("round %d", round);
        journals_begin();
        pid_t child = fork();
        if (child == 0) {
            struct journal *journal;
            journals_open(NULL, &journal, NULL);
            pause();
        }
        usleep((useconds_t)draw(12000));
        kill(child, SIGKILL);
        REQUIRE(waitpid(child, &status, 0) == child);
        struct journal *journal = journals_require();
        journals_store(journal, 0, 10, 8);
        CHECK_STATUS(journal_close(journal, true, NULL), RP_OK);
        CHECK_STR(journals_ask("PRAGMA integrity_check"), "ok");
        journals_end();
    }
    check_note("%s", "");
}

/* ---- Bad bytes --------------------------------------------------------------------------- */

static unsigned char whole[1 << 18];
static size_t size;

static void read_file(void)
{
    FILE *file = fopen(journals_path(), "re");
    REQUIRE(file);
    size = fread(whole, 1, sizeof whole, file);
    fclose(file);
    REQUIRE(size > 0 && size < sizeof whole);
}

static void write_file(const unsigned char *bytes, size_t count)
{
    FILE *file = fopen(journals_path(), "we");
    REQUIRE(file && fwrite(bytes, 1, count, file) == count && fclose(file) == 0);
}

TEST_CASE(a_wrong_bit_in_a_stored_result_is_noticed_and_that_item_runs_again)
{
    bool stored[500];
    journals_begin();
    struct journal *journal = journals_require();
    journals_store(journal, 0, 500, 60);
    REQUIRE_STATUS(journal_close(journal, true, NULL), RP_OK);
    read_file();
    uint64_t item = 123;
    unsigned char *at = memmem(whole, size, (unsigned char[]){123, 0, 0, 0, 0, 0, 0, 0, 94, 94}, 10);
    REQUIRE(at && (unsigned char)(item * 7 + 1) == 94);
    at[20] ^= 4;
    write_file(whole, size);
    journal = journals_require();
    FILE *before = stderr;
    stderr = tmpfile();
    REQUIRE(stderr);
    CHECK_UINT(journals_count(journal, 500, stored), 499);
    CHECK(!stored[123]);
    CHECK(ftell(stderr) > 0);
    fclose(stderr);
    stderr = before;
    journals_store(journal, 123, 124, 60);
    CHECK_STATUS(journal_close(journal, true, NULL), RP_OK);
    journal = journals_require();
    CHECK_UINT(journals_count(journal, 500, NULL), 500);
    CHECK_STATUS(journal_close(journal, true, NULL), RP_OK);
    journals_end();
}
