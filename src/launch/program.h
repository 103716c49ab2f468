/* The program as it was called: what its ranks are to be called with again. Taken down before
 * main, because main may cut its arguments into pieces and change its directory. */
#ifndef RANKPOOL_LAUNCH_PROGRAM_H
#define RANKPOOL_LAUNCH_PROGRAM_H

#include <limits.h>

#include "base/error.h"

struct program {
    char **arguments;      /* NULL-terminated; NULL where they could not be taken down */
    const char *directory; /* NULL where it has no name */
};

const struct program *program_as_called(void);

/* What to execute for another process of this program. */
void program_path(char path[PATH_MAX]);

#endif
