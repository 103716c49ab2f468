/* A stream under way: shared by the files stream*.c alone. */
#ifndef RANKPOOL_RUN_STREAM_STATE_H
#define RANKPOOL_RUN_STREAM_STATE_H

#include "record/journal.h"
#include "run/stream.h"

/* A note that has come, and was not given to the sink yet. */
struct stream_arrival {
    struct note note;
    uint64_t first; /* index of item 0 of its post */
    int worker, attempt;
};

struct stream {
    struct manager *manager;
    const struct stream_work *work;
    struct error *error;
    uint64_t id;
    struct board_function function;
    uint64_t common; /* offset of its copy on the board */
    size_t window;
    size_t drawn, given, failed;
    uint64_t bytes;    /* of its blocks */
    bool drained;      /* nothing more will be drawn */
    rp_status stopped; /* why results are not given any more, RP_OK: they are */
    rp_status status;  /* of the whole */

    int open;             /* the post that is being filled; -1: none */
    uint32_t items;       /* in it */
    uint32_t unpublished; /* of these */
    uint64_t low, high;   /* what is free of its block lies between */

    struct journal_part *part; /* NULL: nothing is stored */
    struct journal_digest known;

    struct stream_arrival *arrivals; /* a queue: first..first+count-1 of `room`, going round */
    size_t arrival_first, arrival_count, arrival_room;
};

/* stream_post.c: what streams do about their posts. */
extern const struct posting_ops stream_posting_ops;

/* Puts an input on the board; false: there is no room at present. */
bool stream_post(struct stream *stream, const rp_view *input);

/* Lets the workers see what was put on the board. */
void stream_publish(struct stream *stream);
void stream_close_block(struct stream *stream);

/* Takes what nobody has claimed off the board. */
void stream_withdraw(struct stream *stream);

/* stream_give.c: keeps a note until it is given; false: no memory. */
bool stream_arrive(struct stream *stream, int post, const struct note *note, int worker);

/* Gives what has arrived to the sink; false: there was nothing. */
bool stream_give(struct stream *stream);

/* One item to the sink, which may stop the stream. */
void stream_give_one(struct stream *stream, size_t index, rp_status status, rp_view result,
                     const char *error);

/* stream_journal.c: gives an input's result to the sink where it is stored, and counts it as drawn. */
void stream_journal_begin(struct stream *stream);
bool stream_give_stored(struct stream *stream, const rp_view *input);

/* Stores an item that has succeeded; all those of a note. */
void stream_store(struct stream *stream, size_t index, const rp_view *input, const struct note *note,
                  rp_view result, int worker, int attempt);
void stream_store_note(struct stream *stream, int post, const struct note *note, const void *payload,
                       int worker);

#endif
