#define _GNU_SOURCE
#include "record/journal_look.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/journal_schema.h"

/* As a name of SQLite's, in which some characters mean something. */
static char *uri_of(const char *path)
{
    static const char more[] = "?immutable=1";
    char *uri = malloc(3 * strlen(path) + sizeof "file:" + sizeof more), *at = uri;
    if (!uri)
        return NULL;
    at = stpcpy(at, "file:");
    for (; *path; path++)
        if (strchr("%?#", *path))
            at += sprintf(at, "%%%02x", (unsigned char)*path);
        else
            *at++ = *path;
    strcpy(at, more);
    return uri;
}

static void look_for_holder(sqlite3 *db, struct journal_look *look)
{
    sqlite3_stmt *row = NULL;
    if (sqlite3_prepare_v2(db, "SELECT host, pid FROM run WHERE ended IS NULL ORDER BY run DESC LIMIT 1", -1,
                           &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW)
        snprintf(look->holder, sizeof look->holder, " by process %lld on %s",
                 (long long)sqlite3_column_int64(row, 1), (const char *)sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
}

static int64_t big_endian(const unsigned char *bytes)
{
    return (int64_t)((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
                     bytes[3]);
}

/* The head of a database (https://sqlite.org/fileformat2.html#the_database_header) tells whose it is,
 * also where the making of the rest was cut short, which SQLite mends when the file is opened to write. */
static bool read_head(const char *path, struct journal_look *look)
{
    unsigned char head[100];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : pread(fd, head, sizeof head, 0);
    if (fd >= 0)
        close(fd);
    if (length != sizeof head || memcmp(head, "SQLite format 3", 16) != 0)
        return false;
    look->version = big_endian(head + 60);
    look->application = big_endian(head + 68);
    return true;
}

static bool look_at(const char *path, struct journal_look *look)
{
    sqlite3 *db = NULL;
    char *uri = uri_of(path);
    *look = (struct journal_look){0};
    bool is_one = read_head(path, look);
    if (is_one && uri && look->application == JOURNAL_APPLICATION &&
        sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) == SQLITE_OK)
        look_for_holder(db, look);
    sqlite3_close(db);
    free(uri);
    return is_one;
}

rp_status journal_look(const char *path, struct journal_look *look, struct error *error)
{
    struct stat about;
    *look = (struct journal_look){0};
    if (stat(path, &about) || about.st_size == 0)
        return RP_OK; /* to be made */
    if (!S_ISREG(about.st_mode))
        return error_set(error, RP_JOURNAL, "journal %s: this is no file", path);
    if (access(path, R_OK))
        return error_set(error, RP_JOURNAL, "journal %s: it cannot be read: %s", path, strerror(errno));
    if (!look_at(path, look) || look->application != JOURNAL_APPLICATION)
        return error_set(error, RP_JOURNAL,
                         "journal %s: there is a file of that name that is no journal of rankpool, or its "
                         "beginning is damaged; it was left as it is: give another name, or move it away",
                         path);
    if (look->version != JOURNAL_VERSION)
        return error_set(
            error, RP_JOURNAL,
            "journal %s: it has version %lld, this rankpool writes version %d; it was left as it "
            "is: give another name, or use the rankpool that made it",
            path, (long long)look->version, JOURNAL_VERSION);
    return RP_OK;
}
