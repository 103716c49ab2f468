/* Rows of the journal's file: written from batches, and read into them. */
#include <stdio.h>
#include <string.h>

#include "record/journal_digest.h"
#include "record/journal_file.h"

#define ROW_REST 4096 /* bytes of a row besides its result and label */

/* As SQLite's integers are: the same bits. */
static sqlite3_int64 number_of(uint64_t value)
{
    return (sqlite3_int64)value;
}

size_t file_longest(const struct journal_file *file)
{
    return (size_t)sqlite3_limit(file->db, SQLITE_LIMIT_LENGTH, -1) - ROW_REST;
}

/* ---- Writing ----------------------------------------------------------------------------- */

static bool run_row(sqlite3_stmt *row, bool bound)
{
    bool done = bound && sqlite3_step(row) == SQLITE_DONE;
    return (sqlite3_reset(row) == SQLITE_OK) && done;
}

static bool add_item(struct journal_file *file, const struct batch_entry *entry)
{
    sqlite3_stmt *row = file->add_item;
    const struct journal_done *done = &entry->done;
    const void *result = batch_result(entry);
    int wrong = sqlite3_bind_int64(row, 1, number_of(entry->map));
    wrong |= sqlite3_bind_int64(row, 2, number_of(done->item));
    wrong |= sqlite3_bind_int64(row, 3, number_of(file->pool));
    wrong |= sqlite3_bind_blob(row, 4, &done->digest, sizeof done->digest, SQLITE_STATIC);
    wrong |= sqlite3_bind_int64(row, 5, file->run);
    wrong |= sqlite3_bind_int(row, 6, done->worker);
    wrong |= sqlite3_bind_int(row, 7, done->attempt);
    wrong |= sqlite3_bind_double(row, 8, file->wall_offset + (double)done->ended * 1e-9);
    wrong |= sqlite3_bind_double(row, 9, done->ran);
    wrong |= sqlite3_bind_int64(row, 10, number_of(done->size));
    wrong |= sqlite3_bind_text(row, 11, batch_label(entry), -1, SQLITE_STATIC);
    wrong |= sqlite3_bind_blob64(row, 12, result, result ? done->size : 0, SQLITE_STATIC);
    wrong |= sqlite3_bind_int64(
        row, 13, number_of(digest_row(entry->map, done->item, done->digest, result, done->size)));
    return run_row(row, !wrong);
}

static bool add_map(struct journal_file *file, const struct batch_entry *entry)
{
    sqlite3_stmt *row = file->add_map;
    char module[24];
    snprintf(module, sizeof module, "%016llx", (unsigned long long)entry->module);
    int wrong = sqlite3_bind_int64(row, 1, number_of(file->pool));
    wrong |= sqlite3_bind_int64(row, 2, number_of(entry->map));
    wrong |= sqlite3_bind_text(row, 3, entry->kind, -1, SQLITE_STATIC);
    wrong |= sqlite3_bind_text(row, 4, batch_label(entry), -1, SQLITE_STATIC);
    wrong |= entry->done.item == JOURNAL_UNKNOWN ? sqlite3_bind_null(row, 5)
                                                 : sqlite3_bind_int64(row, 5, number_of(entry->done.item));
    wrong |= sqlite3_bind_text(row, 6, module, -1, SQLITE_STATIC);
    wrong |= sqlite3_bind_int64(row, 7, number_of(entry->offset));
    wrong |= sqlite3_bind_int64(row, 8, file->run);
    return run_row(row, !wrong);
}

rp_status file_write(struct journal_file *file, const struct batch *batch, struct error *error)
{
    bool good = run_row(file->begin, true);
    for (const struct batch_entry *entry = batch_next(batch, NULL); entry && good;
         entry = batch_next(batch, entry))
        good = entry->kind ? add_map(file, entry) : add_item(file, entry);
    if (good && run_row(file->commit, true))
        return RP_OK;
    file_failed(file, "results cannot be stored", error);
    if (!sqlite3_get_autocommit(file->db))
        sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
    return RP_JOURNAL;
}

/* ---- Reading ----------------------------------------------------------------------------- */

/* Another program may have written to the file, or the disk. */
static bool read_row(sqlite3_stmt *row, uint64_t map, struct journal_done *done)
{
    *done = (struct journal_done){.item = (uint64_t)sqlite3_column_int64(row, 0)};
    if (sqlite3_column_type(row, 2) != SQLITE_BLOB || sqlite3_column_bytes(row, 2) != sizeof done->digest)
        return false;
    memcpy(&done->digest, sqlite3_column_blob(row, 2), sizeof done->digest);
    done->size = (size_t)sqlite3_column_int64(row, 3);
    if (sqlite3_column_type(row, 4) != SQLITE_NULL) {
        done->result = sqlite3_column_blob(row, 4);
        if ((size_t)sqlite3_column_bytes(row, 4) != done->size)
            return false;
        if (!done->size)
            done->result = "";
    }
    return (uint64_t)sqlite3_column_int64(row, 5) ==
           digest_row(map, done->item, done->digest, done->result, done->size);
}

/* Others stand before and behind all numbers, and would be met again and again. */
static bool is_placed(sqlite3_stmt *row)
{
    return sqlite3_column_type(row, 0) == SQLITE_INTEGER && sqlite3_column_type(row, 1) == SQLITE_INTEGER;
}

rp_status file_read(struct journal_file *file, uint64_t map, struct file_place *place, size_t bytes,
                    struct batch *batch, size_t *damaged, struct error *error)
{
    sqlite3_stmt *row = file->read_items;
    rp_status status = RP_OK;
    int code = SQLITE_ROW;
    sqlite3_bind_int64(row, 1, number_of(map));
    sqlite3_bind_int64(row, 2, place->begun ? number_of(place->item) : -1);
    sqlite3_bind_int64(row, 3, place->begun ? number_of(place->pool) : -1);
    while (!status && batch->used < bytes && (code = sqlite3_step(row)) == SQLITE_ROW) {
        struct batch_entry entry = {.map = map};
        bool placed = is_placed(row);
        if (placed)
            *place = (struct file_place){true, (uint64_t)sqlite3_column_int64(row, 0),
                                         (uint64_t)sqlite3_column_int64(row, 1)};
        if (!placed || !read_row(row, map, &entry.done))
            ++*damaged;
        else if (!batch_add(batch, &entry))
            status = error_set(error, RP_NO_MEMORY, "journal %s: no memory for stored results", file->path);
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = file_failed(file, "stored results cannot be read", error);
    sqlite3_reset(row);
    return status;
}
