/* A box under way: shared by the files box*.c of the rank's side. box.c is its life, box_order.c writes
 * orders, box_watch.c waits for what comes of one, box_wish.c does what a task asks for, box_job.c goes on
 * until all items have their notes. */
#ifndef RANKPOOL_RUN_BOX_STATE_H
#define RANKPOOL_RUN_BOX_STATE_H

#include "board/board.h"
#include "run/box.h"
#include "run/box_read.h"
#include "run/forker.h"

#define BOX_TRIES 5 /* children in a row that end before they have begun with anything */

struct box {
    struct performer *performer;
    const struct board *board; /* NULL alone */
    int place;
    struct memory memory;
    struct box_page *page;
    struct box_told told;
    size_t known;    /* bytes of the page's file, at least */
    uint64_t base;   /* of the area, behind the initarg */
    uint64_t room;   /* what lies below in the area belongs to the order under way */
    uint64_t serial; /* of the last order */
    bool child;      /* there is one, which has not been seen to end ... */
    bool ready;      /* ... and has been seen to take orders */
    uint64_t met;    /* requests of this child */
    struct func_cache functions;
    struct error refusal;
};

/* Items that are to be run, and how far they have come. */
struct job {
    struct box *box;
    enum box_way way;
    const struct stretch *stretch; /* NULL of an errand */
    const struct errand *errand;
    struct note whose; /* post, and item of an errand */
    uint64_t limit_ns;
    note_sink *sink;
    void *state;
    uint32_t next, end; /* items without notes */
    bool said;          /* a note has been sent */
    uint64_t noted;     /* when: clock_ns */
    uint64_t ns;        /* that its orders took */

    /* Of the order under way: items order_from.. */
    uint32_t order_from;
    uint64_t out; /* offset of results */
    struct box_expect expect;
    uint64_t position; /* notes read */
};

/* box.c */
rp_status box_start_child(struct box *box, struct error *error);
char *box_area(const struct box *box, uint64_t offset);
bool box_reaches(struct box *box, uint64_t end); /* the page is at least so long; else it grows */

/* How far a child has come that was called for. Sets the refusal where it will never be ready. */
enum birth { BIRTH_READY, BIRTH_UNDER_WAY, BIRTH_AGAIN, BIRTH_REFUSED };
enum birth box_birth(struct box *box, enum forker_state state, int status);

/* The child is gone, and has not been replaced. */
void box_kill(struct box *box);

/* box_order.c. Should this rank die, the item that it showed last is charged with that: see recover.c. */
uint64_t box_index(const struct job *job, uint32_t item);
void box_show(const struct job *job, uint32_t item);
bool box_is_on_board(const struct box *box, const void *bytes);
void box_name(struct box *box, rp_fn *fn, struct box_function *function);
bool box_order(struct job *job, uint32_t count);
void box_give(struct box *box);

/* box_watch.c: waits until the order has ended, taking in its notes. */
enum ending { ENDING_DONE, ENDING_DEAD, ENDING_LATE, ENDING_SPOILED, ENDING_AGAIN, ENDING_REFUSED };
struct outcome {
    enum ending ending;
    int status; /* of the child, as waitpid says it */
    bool known; /* which item it was: */
    uint32_t culprit;
};
struct outcome box_watch(struct job *job);

/* The item without a note that the child says it runs; false: it says nonsense. */
bool box_find_item(const struct job *job, uint32_t *item);

/* box_wish.c: meets what the child asks for; true if there was something. */
bool box_meet_wish(struct box *box);

/* box_job.c: takes in the notes that have come; false: one is none. */
bool box_take_notes(struct job *job);

/* box_say.c: how a child ended, as a sentence, and as the code of a note. */
int box_say_end(char *text, size_t room, int status);

#endif
