/* A library that was built without SQLite. */
#include "record/journal.h"

rp_status journal_open(const struct journal_setup *setup, struct journal **journal, struct error *error)
{
    (void)journal;
    return error_set(error, RP_UNSUPPORTED,
                     "journal %s: this rankpool was built without SQLite and xxHash, which journals need: "
                     "install their headers (Debian: libsqlite3-dev libxxhash-dev) and build it again",
                     setup->path);
}
