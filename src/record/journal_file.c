#define _GNU_SOURCE
#include "record/journal_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "record/journal_look.h"
#include "record/journal_schema.h"

#define LOCK_MS 1000 /* that a process which just ended may take to let go of the file */

/* ---- Sentences --------------------------------------------------------------------------- */

rp_status file_failed(const struct journal_file *file, const char *tried, struct error *error)
{
    int code = sqlite3_extended_errcode(file->db), system = sqlite3_system_errno(file->db);
    return error_set(error, RP_JOURNAL, "journal %s: %s: %s%s%s", file->path, tried, sqlite3_errmsg(file->db),
                     system ? ", " : "",
                     (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB
                         ? " (it is damaged; sqlite3's .recover may save what it has)"
                     : system ? strerror(system)
                              : "");
}

/* ---- Opening ----------------------------------------------------------------------------- */

static bool ask(sqlite3 *db, const char *sql, sqlite3_stmt **row)
{
    return sqlite3_prepare_v2(db, sql, -1, row, NULL) == SQLITE_OK && sqlite3_step(*row) == SQLITE_ROW;
}

static bool ask_number(sqlite3 *db, const char *sql, int64_t *number)
{
    sqlite3_stmt *row = NULL;
    bool found = ask(db, sql, &row);
    if (found)
        *number = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    return found;
}

static rp_status run_sql(struct journal_file *file, const char *sql, const char *tried, struct error *error)
{
    return sqlite3_exec(file->db, sql, NULL, NULL, NULL) == SQLITE_OK ? RP_OK
                                                                      : file_failed(file, tried, error);
}

/* From here on it is this process's own, and in a transaction. */
static rp_status lock(struct journal_file *file, const struct journal_look *look, struct error *error)
{
    int code = sqlite3_exec(file->db, schema_settings, NULL, NULL, NULL);
    if (code == SQLITE_BUSY)
        return error_set(error, RP_JOURNAL,
                         "journal %s: it is in use%s: two pools cannot share one; wait for the end of that "
                         "run, or give another name",
                         file->path, look->holder);
    return code == SQLITE_OK ? RP_OK : file_failed(file, "it cannot be opened to write", error);
}

static rp_status refuse_program(const struct journal_file *file, sqlite3_stmt *row, const char *program,
                                struct error *error)
{
    const char *whose = (const char *)sqlite3_column_text(row, 0);
    if (whose && strcmp(whose, program) == 0)
        return RP_OK;
    return error_set(error, RP_JOURNAL,
                     "journal %s: it is the journal of the program %s, not of %s; it was left as it is: give "
                     "another name",
                     file->path, whose ? whose : "(unknown)", program);
}

static rp_status make_tables(struct journal_file *file, const char *program, struct error *error)
{
    rp_status status = run_sql(file, schema_tables, "its tables cannot be made", error);
    sqlite3_stmt *row = NULL;
    if (status)
        return status;
    if (sqlite3_prepare_v2(file->db, "INSERT INTO journal VALUES(?)", -1, &row, NULL) ||
        sqlite3_bind_text(row, 1, program, -1, SQLITE_STATIC) || sqlite3_step(row) != SQLITE_DONE)
        status = file_failed(file, "its tables cannot be made", error);
    sqlite3_finalize(row);
    return status;
}

/* Within the transaction that has locked it. */
static rp_status check_or_make(struct journal_file *file, const char *program, struct error *error)
{
    int64_t tables = 0;
    if (!ask_number(file->db, "SELECT count(*) FROM sqlite_schema", &tables))
        return file_failed(file, "it cannot be read", error);
    if (!tables)
        return make_tables(file, program, error);
    sqlite3_stmt *row = NULL;
    rp_status status = ask(file->db, "SELECT program FROM journal", &row)
                           ? refuse_program(file, row, program, error)
                           : file_failed(file, "it does not say whose it is", error);
    sqlite3_finalize(row);
    return status;
}

static double wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static rp_status note_worker(struct journal_file *file, const struct journal_worker *worker,
                             struct error *error)
{
    sqlite3_stmt *row = NULL;
    rp_status status = RP_OK;
    if (sqlite3_prepare_v2(file->db, "INSERT OR REPLACE INTO worker VALUES(?,?,?,?,?)", -1, &row, NULL) ||
        sqlite3_bind_int64(row, 1, file->run) || sqlite3_bind_int(row, 2, worker->worker) ||
        sqlite3_bind_int(row, 3, worker->rank) ||
        sqlite3_bind_text(row, 4, worker->host, -1, SQLITE_STATIC) ||
        sqlite3_bind_int64(row, 5, worker->pid) || sqlite3_step(row) != SQLITE_DONE)
        status = file_failed(file, "the run's workers cannot be noted", error);
    sqlite3_finalize(row);
    return status;
}

static rp_status note_run(struct journal_file *file, const struct journal_setup *setup, struct error *error)
{
    char build[24];
    sqlite3_stmt *row = NULL;
    rp_status status = RP_OK;
    snprintf(build, sizeof build, "%016llx", (unsigned long long)setup->build);
    if (sqlite3_prepare_v2(file->db, "INSERT INTO run(build, host, pid, started) VALUES(?,?,?,?)", -1, &row,
                           NULL) ||
        sqlite3_bind_text(row, 1, build, -1, SQLITE_STATIC) ||
        sqlite3_bind_text(row, 2, setup->workers[0].host, -1, SQLITE_STATIC) ||
        sqlite3_bind_int64(row, 3, (sqlite3_int64)getpid()) || sqlite3_bind_double(row, 4, wall_clock()) ||
        sqlite3_step(row) != SQLITE_DONE)
        status = file_failed(file, "the run cannot be noted", error);
    sqlite3_finalize(row);
    file->run = sqlite3_last_insert_rowid(file->db);
    for (int i = 0; i < setup->worker_count && !status; i++)
        status = note_worker(file, &setup->workers[i], error);
    return status;
}

static rp_status prepare(struct journal_file *file, struct error *error)
{
    static const struct {
        size_t place;
        const char *sql;
    } all[] = {
        {offsetof(struct journal_file, begin), "BEGIN"},
        {offsetof(struct journal_file, commit), "COMMIT"},
        {offsetof(struct journal_file, add_item),
         "INSERT OR REPLACE INTO item VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)"},
        {offsetof(struct journal_file, add_map),
         "INSERT OR REPLACE INTO map VALUES(?1,?2,?3,?4,?5,?6,?7,?8)"},
        {offsetof(struct journal_file, read_items),
         "SELECT item, pool, digest, size, result, sum FROM item"
         " WHERE map=?1 AND (item, pool) > (?2, ?3) ORDER BY item, pool"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (sqlite3_prepare_v3(file->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
                               (sqlite3_stmt **)(void *)((char *)file + all[i].place), NULL))
            return file_failed(file, "its tables are not those of a journal", error);
    return RP_OK;
}

/* The tables and the run are in the file itself before anything else is, for others to look at. */
static rp_status begin_run(struct journal_file *file, const struct journal_setup *setup, struct error *error)
{
    static const char last_map[] = "SELECT coalesce(max(map), -1) FROM item WHERE map<=9223372036854775807";
    int64_t last = -1;
    rp_status status = check_or_make(file, setup->program, error);
    if (!status)
        status = prepare(file, error);
    if (!status && !ask_number(file->db, last_map, &last))
        status = file_failed(file, "it cannot be read", error);
    if (!status)
        status = note_run(file, setup, error);
    if (!status)
        status = run_sql(file, "COMMIT; PRAGMA journal_mode=WAL; PRAGMA wal_checkpoint(TRUNCATE)",
                         "the run cannot be noted", error);
    file->any = last >= 0;
    file->last_map = file->any ? (uint64_t)last : 0;
    return status;
}

rp_status file_open(struct journal_file *file, const struct journal_setup *setup, struct error *error)
{
    struct journal_look look;
    *file =
        (struct journal_file){.pool = setup->pool, .wall_offset = wall_clock() - (double)clock_ns() * 1e-9};
    rp_status status = journal_look(setup->path, &look, error);
    if (status)
        return status;
    file->path = strdup(setup->path);
    if (!file->path)
        return error_set(error, RP_NO_MEMORY, "no memory for a journal");
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(file->path, &file->db, flags, NULL) != SQLITE_OK) {
        status = file->db ? file_failed(file, "it cannot be opened", error)
                          : error_set(error, RP_NO_MEMORY, "no memory for a journal");
    } else {
        sqlite3_busy_timeout(file->db, LOCK_MS);
        sqlite3_db_config(file->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(file->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL); /* somebody else's */
        status = lock(file, &look, error);
    }
    if (!status)
        status = begin_run(file, setup, error);
    if (status) {
        sqlite3_db_config(file->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL); /* it stays as it is */
        file_close(file, NULL);
    }
    return status;
}

void file_close(struct journal_file *file, const char *how)
{
    sqlite3_stmt *row = NULL,
                 *all[] = {file->begin, file->commit, file->add_item, file->add_map, file->read_items};
    if (how &&
        sqlite3_prepare_v2(file->db, "UPDATE run SET ended=?, how=? WHERE run=?", -1, &row, NULL) == 0) {
        sqlite3_bind_double(row, 1, wall_clock());
        sqlite3_bind_text(row, 2, how, -1, SQLITE_STATIC);
        sqlite3_bind_int64(row, 3, file->run);
        sqlite3_step(row);
    }
    sqlite3_finalize(row);
    if (how) /* it can be read from then on where nothing can be written */
        sqlite3_exec(file->db, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        sqlite3_finalize(all[i]);
    sqlite3_close(file->db);
    free(file->path);
    *file = (struct journal_file){0};
}
