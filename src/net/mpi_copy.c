/* Memory that pieces go through where the caller's may not be MPI's. */
#include <stdlib.h>
#include <string.h>

#include "net/mpi_state.h"

#define KEPT 8 /* of those that nobody uses */

/* What lies there may be sent in the place of what the caller has let go of: it is never undefined. */
struct copy *copy_take(struct mpi_net *net)
{
    struct copy *copy = net->copies;
    if (!copy) {
        copy = aligned_alloc(_Alignof(struct copy), sizeof *copy);
        if (copy)
            memset(copy, 0, sizeof *copy);
        return copy;
    }
    net->copies = copy->next;
    net->copies_kept--;
    return copy;
}

void copy_give(struct mpi_net *net, struct copy *copy)
{
    if (copy && net->copies_kept == KEPT) {
        free(copy);
    } else if (copy) {
        copy->next = net->copies;
        net->copies = copy;
        net->copies_kept++;
    }
}

void copies_free(struct mpi_net *net)
{
    while (net->copies) {
        struct copy *copy = net->copies;
        net->copies = copy->next;
        free(copy);
    }
}
