/* What a file is, before it is opened: found out without a lock, and without writing to it or beside it, so
 * that one that is no journal stays as it is. */
#ifndef RANKPOOL_RECORD_JOURNAL_LOOK_H
#define RANKPOOL_RECORD_JOURNAL_LOOK_H

#include "base/error.h"

struct journal_look {
    int64_t application, version;
    char holder[256]; /* who ran on it last, if that has not ended; "" */
};

/* RP_OK: it is a journal of this version, or to be made. RP_JOURNAL: it is left alone. */
rp_status journal_look(const char *path, struct journal_look *look, struct error *error);

#endif
