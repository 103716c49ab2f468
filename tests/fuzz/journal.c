/* The journal's file, of any bytes: it is refused with a sentence and left as it is, or it is used; what is
 * found in it is right; and what a run of before has stored is there still after this one.
 *
 * An input says what the file is: anything; a journal of a run that ended, with changed bytes; one of a run
 * that was killed, with changed bytes in the file or in what stands beside it; or one whose rows another
 * program has changed by SQL. */
#define _GNU_SOURCE
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "fuzz.h"
#include "record/journal.h"

enum { ENDED = 40, KILLED = 60, NEW = 10, ITEMS = KILLED + NEW, LONG = 5000, ROOM = 1 << 18 };

/* ---- Files ------------------------------------------------------------------------------- */

struct content {
    size_t size;
    unsigned char bytes[ROOM];
};

static char folder[64], path[80], wal[96], rollback[96];
static struct content ended, killed, killed_wal; /* what runs have left */

static void leave(void)
{
    unlink(path);
    unlink(wal);
    unlink(rollback);
    rmdir(folder);
}

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "%s/rankpool-fuzz-XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    FUZZ_CHECK(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/run.db", folder);
    snprintf(wal, sizeof wal, "%s-wal", path);
    snprintf(rollback, sizeof rollback, "%s-journal", path);
    atexit(leave);
}

static void read_file(const char *name, struct content *content)
{
    FILE *file = fopen(name, "re");
    content->size = file ? fread(content->bytes, 1, ROOM, file) : 0;
    if (file)
        fclose(file);
    FUZZ_CHECK(content->size < ROOM);
}

static void write_file(const char *name, const struct content *content)
{
    FILE *file = fopen(name, "we");
    FUZZ_CHECK(file && fwrite(content->bytes, 1, content->size, file) == content->size && !fclose(file));
}

/* ---- Runs -------------------------------------------------------------------------------- */

static const struct journal_work work = {.map = 1, .kind = "map", .items = ITEMS, .module = 3, .offset = 4};

static rp_status open_journal(struct journal **journal, struct error *error)
{
    static const struct journal_worker workers[] = {{0, 0, "here", 100}, {1, 1, "here", 101}};
    const struct journal_setup setup = {
        .path = path, .program = "fuzz", .build = 7, .pool = 1, .workers = workers, .worker_count = 2};
    return journal_open(&setup, journal, error);
}

static rp_view result_of(uint64_t item)
{
    static char bytes[LONG];
    memset(bytes, (int)(item * 7 + 1), sizeof bytes);
    return (rp_view){item % 16 == 3 ? NULL : bytes, item % 16 == 5 ? LONG : item};
}

static void store(struct journal *journal, uint64_t from, uint64_t end)
{
    struct journal_digest known = journal_digest_work(journal, &work);
    struct journal_part *part = journal_begin(journal, &work);
    for (uint64_t item = from; part && item < end; item++) {
        rp_view result = result_of(item);
        journal_store(part, &(struct journal_done){.item = item,
                                                   .digest = journal_digest_item(journal, known, &item, 8),
                                                   .result = result.data,
                                                   .size = result.size,
                                                   .label = item % 2 ? "odd" : NULL,
                                                   .worker = 1,
                                                   .attempt = 1,
                                                   .ended = clock_ns()});
    }
    journal_end(part);
}

struct found {
    bool item[ITEMS];
    size_t count;
};

static struct found find(struct journal *journal)
{
    struct found found = {0};
    struct journal_digest known = journal_digest_work(journal, &work);
    struct journal_part *part = journal_begin(journal, &work);
    for (uint64_t item = 0; part && item < ITEMS; item++) {
        rp_view view, right = result_of(item);
        if (!journal_find(part, item, journal_digest_item(journal, known, &item, 8), &view))
            continue;
        FUZZ_CHECK(view.size == right.size && !view.data == !right.data);
        FUZZ_CHECK(!view.data || memcmp(view.data, right.data, view.size) == 0);
        found.item[item] = true;
        found.count++;
    }
    journal_end(part);
    return found;
}

/* Once: a run that has ended; and the one behind it, as it would be found if it were killed. */
static void begin(void)
{
    struct journal *journal;
    struct error error;
    make_folder();
    FUZZ_SAY(!open_journal(&journal, &error), error.text);
    store(journal, 0, ENDED);
    FUZZ_SAY(!journal_close(journal, true, &error), error.text);
    read_file(path, &ended);
    FUZZ_SAY(!open_journal(&journal, &error), error.text);
    store(journal, ENDED, KILLED);
    journal_flush(journal);
    read_file(path, &killed);
    read_file(wal, &killed_wal);
    FUZZ_CHECK(ended.size && killed.size && killed_wal.size);
    FUZZ_SAY(!journal_close(journal, true, &error), error.text);
    stderr = fopen("/dev/null", "we"); /* the library's sentences about what is damaged */
    FUZZ_CHECK(stderr);
}

/* ---- Changes ----------------------------------------------------------------------------- */

static void change_bytes(struct fuzz *fuzz, struct content *content)
{
    while (fuzz->left && content->size) {
        uint8_t kind = fuzz_byte(fuzz);
        size_t at = fuzz_word(fuzz) % content->size, from, n;
        n = kind % 4 == 3 ? fuzz_word(fuzz) % 8192 : fuzz_byte(fuzz) % 32u;
        from = kind % 4 == 3 ? fuzz_word(fuzz) % content->size : 0;
        n = n < content->size - at ? n : content->size - at;
        n = n < content->size - from ? n : content->size - from;
        if (kind % 16 == 15)
            content->size = at;
        else if (kind % 4 == 3)
            memmove(content->bytes + at, content->bytes + from, n);
        else
            fuzz_take(fuzz, content->bytes + at % (kind % 4 == 2 ? 120 : content->size), n);
    }
}

static const char *const statements[] = {
    "UPDATE OR REPLACE item SET result=?1 WHERE item=?2",
    "UPDATE OR REPLACE item SET digest=?1 WHERE item=?2",
    "UPDATE OR REPLACE item SET size=?1 WHERE item=?2",
    "UPDATE OR REPLACE item SET sum=?1 WHERE item=?2",
    "UPDATE OR REPLACE item SET item=?1 WHERE item=?2",
    "UPDATE OR REPLACE item SET map=?1 WHERE item=?2",
    "UPDATE OR REPLACE item SET pool=?1 WHERE item=?2",
    "DELETE FROM item WHERE item>?2",
    "UPDATE OR REPLACE map SET map=?1, items=?1",
    "UPDATE OR REPLACE run SET run=?1, pid=?1, ended=NULL",
    "UPDATE OR REPLACE run SET host=?1, ended=NULL",
    "UPDATE journal SET program=?1",
    "DELETE FROM journal",
    "DROP TABLE map",
    "DROP TABLE item",
    "DROP TABLE run",
    "ALTER TABLE item RENAME COLUMN sum TO total",
    "ALTER TABLE item ADD COLUMN more",
    "ALTER TABLE run ADD COLUMN more DEFAULT 1",
    "CREATE TRIGGER t AFTER INSERT ON item BEGIN DELETE FROM item; END",
    "CREATE TRIGGER u BEFORE INSERT ON run BEGIN SELECT raise(ABORT, 'no'); END",
    "CREATE INDEX i ON item(worker)",
    "CREATE VIEW v AS SELECT * FROM item",
    "PRAGMA user_version=2",
    "PRAGMA application_id=7",
    "PRAGMA journal_mode=WAL",
    "PRAGMA auto_vacuum=1; ",
    "VACUUM",
};

static void bind_value(struct fuzz *fuzz, sqlite3_stmt *row, int place)
{
    static unsigned char bytes[256];
    uint8_t kind = fuzz_byte(fuzz);
    int size = fuzz_byte(fuzz);
    switch (kind % 6) {
    case 0:
        break;
    case 1:
        sqlite3_bind_int(row, place, size - 128);
        break;
    case 2:
        sqlite3_bind_int64(row, place, (sqlite3_int64)((uint64_t)fuzz_word(fuzz) << 32 | fuzz_word(fuzz)));
        break;
    case 3:
        sqlite3_bind_double(row, place, fuzz_word(fuzz) / 7.0 - 1e8);
        break;
    default:
        fuzz_take(fuzz, bytes, (size_t)size);
        if (kind % 6 == 4)
            sqlite3_bind_text(row, place, (const char *)bytes, size, SQLITE_TRANSIENT);
        else
            sqlite3_bind_blob(row, place, bytes, size, SQLITE_TRANSIENT);
    }
}

static void change_rows(struct fuzz *fuzz)
{
    sqlite3 *db;
    FUZZ_CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    while (fuzz->left) {
        sqlite3_stmt *row = NULL;
        uint32_t statement = fuzz_below(fuzz, sizeof statements / sizeof *statements);
        sqlite3_prepare_v2(db, statements[statement], -1, &row, NULL);
        bind_value(fuzz, row, 1);
        sqlite3_bind_int(row, 2, fuzz_byte(fuzz) % (ENDED + 2));
        sqlite3_step(row);
        sqlite3_finalize(row);
    }
    sqlite3_close(db);
}

/* ---- All --------------------------------------------------------------------------------- */

enum kind { ANYTHING, CHANGED, CHANGED_KILLED, CHANGED_WAL, CHANGED_ROWS, KINDS };

static void make_file(struct fuzz *fuzz, enum kind kind, struct content *content)
{
    unlink(wal);
    unlink(rollback);
    *content = kind == CHANGED_KILLED ? killed : kind == CHANGED_WAL ? killed_wal : ended;
    if (kind == ANYTHING)
        content->size = fuzz_take(fuzz, content->bytes, fuzz->left < ROOM ? fuzz->left : ROOM);
    else if (kind != CHANGED_ROWS)
        change_bytes(fuzz, content);
    if (kind == CHANGED_KILLED)
        write_file(wal, &killed_wal);
    if (kind == CHANGED_WAL)
        write_file(wal, content);
    write_file(path, kind == CHANGED_WAL ? &killed : content);
    if (kind == CHANGED_ROWS)
        change_rows(fuzz);
}

static void check_refused(const struct error *error, rp_status status, const struct content *before)
{
    static struct content after;
    FUZZ_SAY(status == RP_JOURNAL && strstr(error->text, path), error->text);
    read_file(path, &after);
    FUZZ_SAY(after.size == before->size && memcmp(after.bytes, before->bytes, after.size) == 0, error->text);
}

/* What was stored before, and what this run has stored, is there in the next; but of files whose pages are
 * damaged, in which rows may stand in each other's places, that cannot be said. */
static void check_kept(const struct found *before)
{
    struct journal *journal;
    struct error error;
    FUZZ_SAY(!open_journal(&journal, &error), error.text);
    struct found after = find(journal);
    for (size_t item = 0; item < ITEMS; item++)
        FUZZ_CHECK(after.item[item] || (!before->item[item] && item < KILLED));
    FUZZ_SAY(!journal_close(journal, true, &error), error.text);
}

static void use(struct journal *journal, enum kind kind)
{
    struct error error;
    struct found before = find(journal);
    FUZZ_CHECK(kind != CHANGED_WAL || before.count >= ENDED);
    store(journal, KILLED, ITEMS);
    rp_status status = journal_close(journal, true, &error);
    if (status)
        FUZZ_SAY(strstr(error.text, path), error.text);
    else if (kind == CHANGED_WAL || kind == CHANGED_ROWS)
        check_kept(&before);
}

void fuzz_one(struct fuzz *fuzz)
{
    static struct content content;
    struct journal *journal;
    struct error error;
    if (!folder[0])
        begin();
    enum kind kind = (enum kind)fuzz_below(fuzz, KINDS);
    make_file(fuzz, kind, &content);
    read_file(path, &content);
    rp_status status = open_journal(&journal, &error);
    FUZZ_CHECK(!status || kind != CHANGED_WAL);
    if (status)
        check_refused(&error, status, &content);
    else
        use(journal, kind);
}
