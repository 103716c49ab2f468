#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch/handover.h"
#include "launch/launch.h"
#include "launch/list.h"

/* The string behind this one; at the end the empty one that ends the file. */
static char *string_after(const struct handover *handover, char *string)
{
    char *next = string + strlen(string) + 1, *end = (char *)handover + handover->size;
    return next < end ? next : end - 1;
}

/* Makes the strings from `first` on the environment. The old ones are left as they are: the
 * program may hold pointers into them. */
static rp_status put_environment_back(const struct handover *handover, char *first, struct error *error)
{
    size_t count = 0;
    for (char *string = first; *string; string = string_after(handover, string))
        count++;
    char **items = calloc(count + 1, sizeof *items);
    if (!items)
        return error_set(error, RP_NO_MEMORY, "no memory for %zu environment variables", count);
    count = 0;
    for (char *string = first; *string; string = string_after(handover, string))
        items[count++] = string;
    environ = items;
    return RP_OK;
}

rp_status launch_join(const struct launch *launch, struct launch_joined *joined, struct error *error)
{
    struct launch_joined found = {"", "", NULL};
    struct handover *handover = NULL;
    rp_status status = launch->ours ? handover_open(getenv(HANDOVER_VARIABLE), &handover, error) : RP_OK;
    if (!status && handover) {
        char *string = handover->strings;
        found.text = string;
        for (uint32_t rank = 0; rank < handover->ranks; rank++) {
            string = string_after(handover, string);
            if (launch->rank == (int)rank)
                found.cpus = string;
        }
        status = put_environment_back(handover, string_after(handover, string), error);
        if (!status && (launch->rank == 0 || !handover->ranks)) /* a seat has but this one */
            handover_tell_joined(handover);
        if (launch->rank == 0)
            found.parent = handover;
    }
    if (!status)
        *joined = found;
    return status;
}
