/* What a check has found: a line for people, an object for scripts.
 *
 * A finding is about one host, or about all. What is wrong keeps programs from running as they should; what
 * is noted may be meant so. Both come with the mend. */
#ifndef RANKPOOL_CLI_FINDING_H
#define RANKPOOL_CLI_FINDING_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

enum verdict { FOUND_FINE, FOUND_NOTED, FOUND_WRONG, FOUND_SKIPPED, FOUND_KINDS };

struct finding {
    const char *check;
    enum verdict verdict;
    char *host; /* NULL: all of them */
    char *says;
    char *mend; /* NULL: none is needed */
};

struct findings {
    struct finding *one;
    int count;
    bool short_of_memory;
};

/* `check` lives as long as the findings, host and mend (NULL: none) are copied; %h in the mend stands for the
 * host. */
void findings_add(struct findings *findings, const char *check, enum verdict verdict, const char *host,
                  const char *mend, const char *format, ...) RP_PRINTF(6, 7);

bool findings_have(const struct findings *findings, enum verdict verdict);

void findings_print(const struct findings *findings, bool colour, FILE *out);
rp_status findings_print_json(const struct findings *findings, FILE *out, struct error *error);

void findings_free(struct findings *findings);

#endif
