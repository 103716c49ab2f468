/* What a journal's tables are, and what SQLite is told about it. */
#ifndef RANKPOOL_RECORD_JOURNAL_SCHEMA_H
#define RANKPOOL_RECORD_JOURNAL_SCHEMA_H

#define JOURNAL_APPLICATION 0x72706a6e /* "rpjn" */
#define JOURNAL_VERSION     1

#define TEXT_OF(x)  #x
#define VALUE_OF(x) TEXT_OF(x)

static const char schema_settings[] = "PRAGMA locking_mode=EXCLUSIVE;"
                                      "PRAGMA trusted_schema=OFF;"
                                      "PRAGMA cell_size_check=ON;"
                                      "PRAGMA synchronous=NORMAL;"
                                      "PRAGMA cache_size=-8192;"
                                      "PRAGMA wal_autocheckpoint=4096;"
                                      "PRAGMA temp_store=MEMORY;"
                                      "BEGIN EXCLUSIVE";

static const char schema_tables[] = "PRAGMA application_id=" VALUE_OF(
    JOURNAL_APPLICATION) ";"
                         "PRAGMA user_version=" VALUE_OF(
                             JOURNAL_VERSION) ";"
                                              "CREATE TABLE journal(program TEXT NOT NULL);"
                                              "CREATE TABLE run(run INTEGER PRIMARY KEY, build TEXT NOT "
                                              "NULL, host TEXT NOT NULL,"
                                              " pid INTEGER NOT NULL, started REAL NOT NULL, ended REAL, how "
                                              "TEXT);"
                                              "CREATE TABLE worker(run INTEGER NOT NULL, worker INTEGER NOT "
                                              "NULL, rank INTEGER NOT NULL,"
                                              " host TEXT NOT NULL, pid INTEGER NOT NULL, PRIMARY KEY(run, "
                                              "worker)) WITHOUT ROWID;"
                                              "CREATE TABLE map(pool INTEGER NOT NULL, map INTEGER NOT NULL, "
                                              "kind TEXT NOT NULL, label TEXT,"
                                              " items INTEGER, module TEXT NOT NULL, \"offset\" INTEGER NOT "
                                              "NULL, run INTEGER NOT NULL,"
                                              " PRIMARY KEY(pool, map)) WITHOUT ROWID;"
                                              "CREATE TABLE item(map INTEGER NOT NULL, item INTEGER NOT "
                                              "NULL, pool INTEGER NOT NULL,"
                                              " digest BLOB NOT NULL, run INTEGER NOT NULL, worker INTEGER "
                                              "NOT NULL, attempt INTEGER NOT NULL,"
                                              " ended REAL NOT NULL, ran REAL NOT NULL, size INTEGER NOT "
                                              "NULL, label TEXT, result BLOB,"
                                              " sum INTEGER NOT NULL, PRIMARY KEY(map, item, pool)) WITHOUT "
                                              "ROWID;";

#endif
