/* The journal's file: what it keeps, whom it refuses, and what becomes of it when the disk is full. */
#define _GNU_SOURCE
#include "record/journal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "journals.h"

static void close_well(struct journal *journal)
{
    struct error error;
    if (journal_close(journal, true, &error))
        CHECK_FAILED("%s", error.text);
}

static void run_once(uint64_t from, uint64_t end, size_t size)
{
    struct journal *journal = journals_require();
    journals_store(journal, from, end, size);
    close_well(journal);
}

static size_t count_stored(uint64_t n)
{
    struct journal *journal = journals_require();
    size_t count = journals_count(journal, n, NULL);
    close_well(journal);
    return count;
}

TEST_CASE(what_a_run_stores_the_next_one_finds)
{
    static const size_t sizes[] = {0, 1, 8, 500, 1000, 5000, 1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        journals_begin();
        uint64_t n = sizes[i] > 5000 ? 20 : 10000;
        run_once(0, n, sizes[i]);
        CHECK_UINT(count_stored(n + 10), n);
        journals_end();
    }
}

TEST_CASE(only_what_is_asked_for_with_the_same_digest_is_found)
{
    journals_begin();
    run_once(0, 100, 8);
    struct journal *journal = journals_require();
    struct journal_digest known;
    struct journal_part *part = journals_map(journal, &known);
    uint64_t item = 5;
    rp_view view;
    CHECK(!journal_find(part, 4, journal_digest_item(journal, known, &item, 8), &view));
    CHECK(!journal_find(part, 5, journal_digest_item(journal, known, &item, 7), &view));
    CHECK(!journal_find(part, 6, (struct journal_digest){0, 0}, &view));
    CHECK(part->may_find);
    CHECK(!journal_find(part, 100, known, &view));
    CHECK(!part->may_find);
    journal_end(part);
    close_well(journal);
    journals_end();
}

TEST_CASE(its_tables_answer_questions_about_a_run)
{
    journals_begin();
    run_once(0, 300, 8);
    run_once(300, 500, 24);
    CHECK_STR(journals_ask("PRAGMA integrity_check"), "ok");
    CHECK_STR(journals_ask("SELECT program FROM journal"), "tests");
    CHECK_STR(journals_ask("SELECT run, build, host, how, ended >= started FROM run"),
              "1|0000000000000007|here|closed|1\n2|0000000000000007|here|closed|1");
    CHECK_STR(journals_ask("SELECT kind, label, items, run FROM map"), "map||1000|2");
    CHECK_STR(journals_ask("SELECT count(*), min(item), max(item), sum(size), run FROM item GROUP BY run"),
              "300|0|299|2400|1\n200|300|499|4800|2");
    CHECK_STR(journals_ask("SELECT host, pid, count(*), sum(ran) FROM item JOIN worker USING (run, worker) "
                           "GROUP BY host, pid"),
              "here|101|500|250.0");
    CHECK_STR(journals_ask("SELECT hex(substr(result, 1, 8)) FROM item WHERE item = 258"),
              "0201000000000000");
    journals_end();
}

/* ---- Refusals ---------------------------------------------------------------------------- */

static uint64_t digest_file(void)
{
    static unsigned char bytes[1 << 20];
    uint64_t digest = 1;
    FILE *file = fopen(journals_path(), "re");
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    for (size_t i = 0; i < size; i++)
        digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3);
    if (file)
        fclose(file);
    return digest;
}

static void check_refused(const char *program, const char *part)
{
    struct journal *journal;
    struct error error;
    uint64_t before = digest_file();
    CHECK_STATUS(journals_open(program, &journal, &error), RP_JOURNAL);
    CHECK_HAS(error.text, part);
    CHECK_HAS(error.text, journals_path());
    CHECK_UINT(digest_file(), before);
}

static void ask_to_write(const char *sql)
{
    char command[512];
    snprintf(command, sizeof command, "sqlite3 '%s' \"%s\" >/dev/null", journals_path(), sql);
    CHECK_INT(system(command), 0);
}

TEST_CASE(another_programs_journal_is_refused_and_named)
{
    journals_begin();
    run_once(0, 10, 8);
    check_refused("other", "the program tests");
    CHECK_UINT(count_stored(10), 10);
    journals_end();
}

TEST_CASE(another_versions_journal_is_refused)
{
    journals_begin();
    run_once(0, 10, 8);
    ask_to_write("PRAGMA user_version=2");
    check_refused(NULL, "version 2");
    ask_to_write("PRAGMA user_version=1");
    CHECK_UINT(count_stored(10), 10);
    journals_end();
}

TEST_CASE(somebodys_database_is_refused_and_left_as_it_is)
{
    journals_begin();
    ask_to_write("PRAGMA journal_mode=WAL; CREATE TABLE precious(thing); INSERT INTO precious VALUES(1)");
    check_refused(NULL, "no journal");
    CHECK_STR(journals_ask("SELECT * FROM precious"), "1");
    journals_end();
}

TEST_CASE(tables_that_are_not_the_journals_are_refused)
{
    journals_begin();
    run_once(0, 10, 8);
    ask_to_write("ALTER TABLE item DROP COLUMN sum");
    check_refused(NULL, "not those of a journal");
    journals_end();
}

TEST_CASE(while_a_process_has_it_another_is_refused_and_told_by_whom)
{
    char who[48], opened;
    int opening[2];
    journals_begin();
    REQUIRE(pipe2(opening, O_CLOEXEC) == 0);
    snprintf(who, sizeof who, "process %ld on here", (long)getpid());
    pid_t child = fork(); /* before SQLite knows of the file, which it remembers for children too */
    if (child == 0) {
        CHECK_INT(read(opening[0], &opened, 1), 1);
        struct journal *other;
        struct error error;
        CHECK_STATUS(journals_open(NULL, &other, &error), RP_JOURNAL);
        CHECK_HAS(error.text, who);
        _exit(0);
    }
    struct journal *journal = journals_require();
    journals_store(journal, 0, 10, 8);
    journal_flush(journal);
    CHECK_INT(write(opening[1], "", 1), 1);
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
    close(opening[0]);
    close(opening[1]);
    journals_store(journal, 10, 20, 8);
    close_well(journal);
    CHECK_UINT(count_stored(20), 20);
    journals_end();
}

/* In a child, since a right that root has is never missing. */
static void as_nobody(void (*body)(void))
{
    pid_t child = fork();
    if (child == 0) {
        if (getuid() == 0 && (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)))
            _exit(1);
        body();
        _exit(0);
    }
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
}

static void try_to_open(void)
{
    check_refused(NULL, "run.db");
}

TEST_CASE(a_folder_or_a_file_that_cannot_be_written_is_refused)
{
    const char *folder = journals_begin();
    CHECK_INT(chmod(folder, 0555), 0);
    as_nobody(try_to_open);
    CHECK_INT(chmod(folder, 0755), 0);
    run_once(0, 10, 8);
    CHECK_INT(chmod(folder, 0555), 0);
    CHECK_INT(chmod(journals_path(), 0444), 0);
    as_nobody(try_to_open);
    CHECK_INT(chmod(journals_path(), 0000), 0);
    as_nobody(try_to_open);
    CHECK_INT(chmod(folder, 0755), 0);
    CHECK_INT(chmod(journals_path(), 0644), 0);
    CHECK_UINT(count_stored(10), 10);
    journals_end();
}

/* ---- Full disks -------------------------------------------------------------------------- */

/* A limit of the size of files is a full disk to those who write. */
static void limit_files(rlim_t bytes)
{
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){bytes, RLIM_INFINITY});
}

TEST_CASE(a_disk_that_becomes_full_ends_the_storing_and_loses_nothing_of_before)
{
    journals_begin();
    run_once(0, 1000, 100);
    struct journal *journal = journals_require();
    struct error error = {0};
    journals_store(journal, 1000, 1100, 100);
    journal_flush(journal);
    FILE *before = stderr;
    stderr = tmpfile();
    REQUIRE(stderr);
    limit_files(400000);
    for (int i = 0; i < 20; i++) {
        journals_store(journal, 2000, 3000, 1000);
        journal_flush(journal);
    }
    char said[4096] = "";
    rewind(stderr);
    size_t got = fread(said, 1, sizeof said - 1, stderr);
    fclose(stderr);
    stderr = before;
    CHECK_STATUS(journal_close(journal, true, &error), RP_JOURNAL);
    limit_files(RLIM_INFINITY);
    CHECK_HAS(error.text, "cannot be stored");
    CHECK_HAS(said, error.text);
    CHECK(got > 0 && strchr(said, '\n') == said + got - 1); /* once */
    CHECK_STR(journals_ask("PRAGMA integrity_check"), "ok");
    size_t stored = count_stored(3000);
    CHECK(stored >= 1100 && stored < 2100);
    journals_end();
}

TEST_CASE(a_full_disk_at_the_opening_is_refused)
{
    journals_begin();
    struct journal *journal;
    struct error error;
    limit_files(5000);
    CHECK_STATUS(journals_open(NULL, &journal, &error), RP_JOURNAL);
    limit_files(RLIM_INFINITY);
    CHECK_UINT(count_stored(1), 0);
    journals_end();
}

TEST_CASE(a_result_longer_than_a_row_can_be_is_not_stored)
{
    journals_begin();
    struct journal *journal = journals_require();
    struct journal_digest known;
    struct journal_part *part = journals_map(journal, &known);
    size_t size = 1000000001;
    FILE *before = stderr;
    stderr = tmpfile();
    REQUIRE(stderr);
    /* It is not read, so that its memory need not be there. */
    for (int i = 0; i < 2; i++)
        journal_store(part, &(struct journal_done){.item = 1, .result = "", .size = size});
    long said = ftell(stderr);
    fclose(stderr);
    stderr = before;
    CHECK(said > 0 && said < 300);
    journal_end(part);
    close_well(journal);
    CHECK_STR(journals_ask("SELECT count(*) FROM item"), "0");
    journals_end();
}
