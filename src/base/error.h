/* A failure as a status and a sentence. Whoever decides that something failed writes the
 * sentence (what was wrong, where, what to do), once; everybody above passes the status up. */
#ifndef RANKPOOL_BASE_ERROR_H
#define RANKPOOL_BASE_ERROR_H

#include <rankpool/rankpool.h>

struct error {
    rp_status status;
    char text[768];
};

/* Notes the failure and returns `status`; a NULL `error` takes no note. The sentence is cut to
 * fit, never refused. */
rp_status error_set(struct error *error, rp_status status, const char *format, ...) RP_PRINTF(3, 4);

void error_clear(struct error *error);

#endif
