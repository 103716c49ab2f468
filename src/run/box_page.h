/* The page: what a rank and the child that runs its isolated tasks share. The rank gives an order, the child
 * runs it and says what came out in notes; nothing else of the rank's memory is writable to the child.
 *
 *     header    what the child is told when it begins, the words of both, the order under way
 *     notes     a ring of BOX_NOTES
 *     area      inputs that do not lie on the board, results in the order of items, longer results
 *
 * The child writes `begun`, `ended`, `phase`, `running`, `head` and what else is marked so; the rank reads it
 * as the words of a stranger (box_read.h). Guards stand between the parts: who finds one changed knows that
 * a task wrote where it should not have. */
#ifndef RANKPOOL_RUN_BOX_PAGE_H
#define RANKPOOL_RUN_BOX_PAGE_H

#include "board/memory.h"
#include "func/func.h"
#include "run/perform.h"

#define BOX_NOTES 256
#define BOX_GUARD UINT64_C(0x9d6f1c25b84e07a3)
#define BOX_ALIGN 64u

/* Where bytes lie that the child reads. */
struct box_place {
    enum { BOX_NOWHERE, BOX_ON_BOARD, BOX_ON_PAGE } where;
    uint64_t offset;
};

struct box_function {
    struct func_ref name;  /* module 0: none */
    char path[BOARD_PATH]; /* of its module; "": the program's, or known */
};

enum box_way { BOX_RUN, BOX_PACKED, BOX_REDUCE, BOX_ERRAND, BOX_FINALIZE, BOX_LEAVE };

struct box_order {
    enum box_way way;
    struct box_function fn, combine;
    struct box_place in, out, indices, inputs, common;
    uint64_t in_size, out_size, common_size;
    uint64_t first, total, begin, map;
    uint32_t count, flags;
    int attempt;
    uint64_t room; /* offset from which on the child may take memory for long results */
};

/* What a child is before it takes orders. */
enum box_phase {
    BOX_STARTING,
    BOX_ENTERING, /* its initializer runs */
    BOX_READY,
    BOX_REFUSED, /* the initializer failed, or it could not begin: `why` says why */
};

/* Something that only the rank can do, which the child waits for. */
enum box_wish { BOX_SHARE = 1, BOX_PUT, BOX_GET };

struct box_request {
    _Atomic uint64_t made, met; /* serial numbers: the child's, the rank's */
    enum box_wish wish;
    uint64_t number, deadline;
    uint64_t offset, size; /* of the bytes, in the area: the child's, or those that it gets at `offset` (of
                              a share 0: it has them) */
    rp_status status;
};

struct box_note {
    struct note note;
    uint64_t seal;    /* of note and text: see box_seal */
    uint32_t carried; /* bytes of the text: a sentence, or a short result */
    char text[SENTENCE_LENGTH + 4];
};

/* What a child is told at first. */
struct box_told {
    int self;
    uint64_t seed, task_memory;
    bool halts; /* it looks at `halt` between items */
    struct crew_member member;
    struct memory_handle board; /* pid 0: there is none */
    struct box_function initializer;
    struct box_place initarg;
    uint64_t initarg_size;
};

struct box_page {
    uint64_t guard_first;
    struct box_told told;

    _Alignas(64) _Atomic uint32_t call; /* the child sleeps on it */
    _Atomic uint32_t halt;              /* 1: items of the order that have not begun are not to run */
    _Atomic uint64_t given;             /* serial number of the order */
    struct box_order order;

    uint64_t guard_words;
    _Alignas(64) _Atomic uint64_t running; /* the child's: index of the item that it runs */
    _Atomic uint64_t begun, ended;         /* the child's: orders */
    _Atomic uint32_t phase;                /* the child's */
    _Atomic uint64_t ns, combine_ns;       /* the child's: what the last order took */
    _Atomic uint64_t head;                 /* the child's: notes written in this order */
    _Atomic uint64_t tail;                 /* notes read */
    struct box_request request;
    char why[sizeof((struct error *)NULL)->text];

    uint64_t guard_notes;
    _Alignas(64) struct box_note notes[BOX_NOTES];
    uint64_t guard_last;
};

#define BOX_AREA ((sizeof(struct box_page) + 4095) / 4096 * 4096)

/* A sum over a note and what it carries: a task that writes over it does not meet it by chance. */
uint64_t box_seal(const struct note *note, const char *text, uint32_t carried, uint64_t serial);

/* What a child does: see forker.h. */
void box_child(const struct memory_handle *page, _Atomic uint32_t *bell);

#endif
