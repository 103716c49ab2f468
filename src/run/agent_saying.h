/* A note that a node has sent, and the block that it is of, before it is taken in. Shared by agent_check.c,
 * which tells whether there can be such a note, and agent_note.c, which takes it in. */
#ifndef RANKPOOL_RUN_AGENT_SAYING_H
#define RANKPOOL_RUN_AGENT_SAYING_H

#include "run/agent.h"

struct saying {
    struct agent *agent;
    struct agent_block *block;
    struct wire_note note;
    const struct post *post;
};

/* False: there is no such note, and the node is lost. */
bool saying_read(struct saying *saying, struct agent *agent, const struct wire_note *note);

static inline bool saying_is_of_map(const struct saying *saying)
{
    return atomic_load_explicit(&saying->post->map, memory_order_relaxed);
}

#endif
