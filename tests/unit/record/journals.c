#define _GNU_SOURCE
#include "journals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"

static char folder[64], path[80];

const char *journals_begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/rankpool-journal-XXXXXX");
    REQUIRE(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/run.db", folder);
    return folder;
}

const char *journals_path(void)
{
    return path;
}

void journals_end(void)
{
    static const char *const endings[] = {"", "-wal", "-journal", "-shm"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[96];
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        unlink(name);
    }
    CHECK_INT(rmdir(folder), 0);
}

rp_status journals_open(const char *program, struct journal **journal, struct error *error)
{
    const struct journal_worker workers[] = {{0, 0, "here", 100}, {1, 1, "here", 101}};
    const struct journal_setup setup = {.path = path,
                                        .program = program ? program : "tests",
                                        .build = 7,
                                        .pool = 1,
                                        .workers = workers,
                                        .worker_count = 2};
    *journal = NULL;
    return journal_open(&setup, journal, error);
}

struct journal *journals_require(void)
{
    struct journal *journal;
    struct error error;
    if (journals_open(NULL, &journal, &error)) {
        CHECK_FAILED("%s", error.text);
        check_leave();
    }
    return journal;
}

struct journal_part *journals_map(struct journal *journal, struct journal_digest *known)
{
    const struct journal_work work = {.map = 1, .kind = "map", .items = 1000, .module = 3, .offset = 4};
    struct journal_part *part = journal_begin(journal, &work);
    REQUIRE(part);
    *known = journal_digest_work(journal, &work);
    return part;
}

static char *fill(uint64_t item, size_t size)
{
    static char bytes[1 << 20];
    memset(bytes, (int)(item * 7 + 1), size);
    if (size >= sizeof item)
        memcpy(bytes, &item, sizeof item);
    return bytes;
}

void journals_store(struct journal *journal, uint64_t from, uint64_t end, size_t size)
{
    struct journal_digest known;
    struct journal_part *part = journals_map(journal, &known);
    for (uint64_t item = from; item < end; item++)
        journal_store(part, &(struct journal_done){.item = item,
                                                   .digest = journal_digest_item(journal, known, &item, 8),
                                                   .result = fill(item, size),
                                                   .size = size,
                                                   .worker = 1,
                                                   .attempt = 1,
                                                   .ran = 0.5,
                                                   .ended = clock_ns()});
    journal_end(part);
}

size_t journals_count(struct journal *journal, uint64_t n, bool *stored)
{
    struct journal_digest known;
    struct journal_part *part = journals_map(journal, &known);
    size_t count = 0;
    for (uint64_t item = 0; item < n; item++) {
        rp_view view;
        bool found = journal_find(part, item, journal_digest_item(journal, known, &item, 8), &view);
        if (found && memcmp(view.data, fill(item, view.size), view.size) != 0)
            CHECK_FAILED("item %llu has another result", (unsigned long long)item);
        count += found;
        if (stored)
            stored[item] = found;
    }
    journal_end(part);
    return count;
}

const char *journals_ask(const char *sql)
{
    static char answer[4096];
    char command[4096];
    snprintf(command, sizeof command, "sqlite3 -readonly '%s' \"%s\" 2>&1", path, sql);
    FILE *shell = popen(command, "re");
    REQUIRE(shell);
    size_t got = fread(answer, 1, sizeof answer - 1, shell);
    answer[got] = '\0';
    if (got && answer[got - 1] == '\n')
        answer[got - 1] = '\0';
    pclose(shell);
    return answer;
}
