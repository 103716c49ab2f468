/* A test that speaks for a node: the manager with a road in the test, its own workers processes (gang.h), and
 * the node mute (realm.h). Whenever the manager sleeps, the envoy takes in what it has said.
 *
 *     envoy_begin(1, answer);      a worker here, two there; `answer` gets each block once, when it is whole
 *     ... map_run(&envoy_realm.gang.manager, ...) ...
 *     envoy_end(); */
#ifndef RANKPOOL_TESTS_RUN_ENVOY_H
#define RANKPOOL_TESTS_RUN_ENVOY_H

#include "realm.h"
#include "run/agent.h"
#include "wire/message.h"

/* A block as it has come, with its body. */
struct envoy_block {
    struct wire_block block;
    unsigned char table[NET_HEAD], inputs[NET_HEAD];
    struct wire_parts parts;
    bool whole, said;
};

enum { ENVOY_BLOCKS = 512 };

extern struct realm envoy_realm;

extern struct envoy {
    struct envoy_block got[ENVOY_BLOCKS];
    int count;
    int messages[64]; /* by their types */
    uint64_t pool;
    void (*act)(struct envoy_block *got); /* with each block that is whole, once */
    int acts;                             /* how often, yet */
    int node;                             /* for which it speaks */
    struct wire_message last[64];
} envoy;

void envoy_begin(int workers, void (*act)(struct envoy_block *got));
void envoy_end(void);

/* The same for a node of one worker below another one of one worker, whose leader serves; the test itself has
 * to turn the road, and to listen. */
void envoy_begin_below(void (*act)(struct envoy_block *got));

/* What it says: a message, of the pool of which it has heard unless it names another; a note; and what is
 * right to say of items of squares. */
void envoy_say_with(struct wire_message message, const void *body, size_t size);
void envoy_say(struct wire_message message);
void envoy_say_note(const struct wire_note *note, const void *payload);
struct wire_note envoy_note(const struct envoy_block *got, uint32_t from, uint32_t count, uint64_t answers[]);
/* Its first items have results of so many bytes each, all 0xee, which begin to come. */
void envoy_say_long(struct envoy_block *got, uint32_t count, size_t length);
void envoy_answer(struct envoy_block *got, uint32_t from, uint32_t count);
void envoy_answer_all(struct envoy_block *got);

/* At a step of the board: takes in what has come, if the manager sleeps. */
void envoy_listen(const char *place);

/* Bytes are on their way to it. */
bool envoy_is_sent_to(void);

/* Why its node is lost; "": it is not. */
const char *envoy_why(void);

#endif
