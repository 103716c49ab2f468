#include "stage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct stage_head {
    struct stage_head *behind;
    int peer;
    size_t size;
    void *token; /* segments have been sent; NULL: it is a head */
    _Alignas(16) unsigned char head[];
};

void stage_fail(const char *what)
{
    fprintf(stderr, "bench_stage: %s\n", what);
    exit(1);
}

/* ---- Time -------------------------------------------------------------------------------- */

/* By the same clock, so that what others use of the processor while the program speaks is taken off, too. */
double stage_clock(const struct stage *stage)
{
    return (double)clock_ns() - stage->spent;
}

/* What the clock takes to be read is half of it before and half behind what it says. */
static double clock_cost(void)
{
    enum { TIMES = 100000 };
    uint64_t begun = clock_ns();
    for (int i = 0; i < TIMES; i++)
        clock_ns();
    return (double)(clock_ns() - begun) / TIMES;
}

/* ---- A net ------------------------------------------------------------------------------- */

static double own_clock;

static void leave(struct stage *stage, uint64_t entered)
{
    stage->spent += (double)(clock_ns() - entered) + own_clock;
}

static struct stage_head *add(struct stage *stage, int peer, size_t room)
{
    struct stage_head *head = aligned_alloc(16, (sizeof *head + room + 31) / 16 * 16);
    if (!head)
        stage_fail("no memory");
    *head = (struct stage_head){.peer = peer};
    *stage->end = head;
    stage->end = &head->behind;
    return head;
}

static rp_status send_head(struct net *net, int peer, const void *head, size_t size,
                           const struct net_segment *segment, int segments, void *token, struct error *error)
{
    uint64_t entered = clock_ns();
    struct stage *stage = (struct stage *)net;
    struct wire_message message;
    size_t sizes[NET_SEGMENTS];
    for (int i = 0; i < segments; i++)
        sizes[i] = segment[i].size;
    if (wire_message_unpack(&message, head, size, sizes, segments, error))
        stage_fail(error->text);
    if (segments && token)
        add(stage, peer, 0)->token = token;
    stage->hear(stage, peer, &message);
    leave(stage, entered);
    return RP_OK;
}

static bool poll_heads(struct net *net, struct net_event *event)
{
    uint64_t entered = clock_ns();
    struct stage *stage = (struct stage *)net;
    struct stage_head *head = stage->in_a_row < stage->burst ? stage->first : NULL;
    free(stage->given);
    stage->given = head;
    stage->in_a_row = head ? stage->in_a_row + 1 : 0;
    stage->vain += !head;
    if (head) {
        stage->first = head->behind;
        if (!stage->first)
            stage->end = &stage->first;
        *event = (struct net_event){.kind = head->token ? NET_SENT : NET_HEADED,
                                    .peer = head->peer,
                                    .head = head->head,
                                    .head_size = head->size,
                                    .token = head->token};
    }
    leave(stage, entered);
    return head != NULL;
}

static void receive(struct net *net, const struct net_event *event, void *const to[], bool copied,
                    void *token)
{
    (void)net, (void)event, (void)to, (void)copied, (void)token;
    stage_fail("nothing comes as a segment");
}

static void let_go(struct net *net, const void *memory, size_t size)
{
    (void)net, (void)memory, (void)size;
}

static void drop(struct net *net, int peer)
{
    (void)net, (void)peer;
    stage_fail("a node was given up");
}

static bool is_quiet(const struct net *net)
{
    (void)net;
    return true;
}

static int room(const struct net *net, int peer)
{
    (void)net, (void)peer;
    return NET_BUFFERS;
}

static void close_net(struct net *net)
{
    (void)net;
}

static const struct net_ops ops = {.send = send_head,
                                   .poll = poll_heads,
                                   .receive = receive,
                                   .let_go = let_go,
                                   .drop = drop,
                                   .is_quiet = is_quiet,
                                   .room = room,
                                   .close = close_net};

void stage_open(struct stage *stage, int peers,
                void (*hear)(struct stage *stage, int peer, const struct wire_message *message))
{
    own_clock = clock_cost();
    *stage = (struct stage){.net = {&ops, peers}, .hear = hear, .burst = UINT32_MAX};
    stage->end = &stage->first;
}

void stage_close(struct stage *stage)
{
    struct net_event event;
    stage->burst = UINT32_MAX;
    while (poll_heads(&stage->net, &event))
        ;
}

void stage_say(struct stage *stage, int peer, struct wire_message *message)
{
    size_t room = wire_message_body(message->type) + message->body_size;
    struct stage_head *head = add(stage, peer, room);
    head->size = wire_message_pack(message, head->head, room);
    if (!head->size)
        stage_fail("a message does not fit");
}

/* ---- A fit ------------------------------------------------------------------------------- */

/* Gauss; what has no pivot is 0. */
static void solve(double matrix[STAGE_COUNTS][STAGE_COUNTS + 1], int n, double x[STAGE_COUNTS])
{
    for (int i = 0; i < n; i++)
        for (int row = 0; row < n; row++) {
            if (row == i || fabs(matrix[i][i]) < 1e-12)
                continue;
            double part = matrix[row][i] / matrix[i][i];
            for (int k = i; k <= n; k++)
                matrix[row][k] -= part * matrix[i][k];
        }
    for (int i = 0; i < n; i++)
        x[i] = fabs(matrix[i][i]) < 1e-12 ? 0 : matrix[i][n] / matrix[i][i];
}

/* With the counts that are used; the others are 0. */
static void fit_some(const struct stage_sample *sample, int samples, int counts, const bool *used, double *ns)
{
    double matrix[STAGE_COUNTS][STAGE_COUNTS + 1] = {{0}};
    for (int s = 0; s < samples; s++)
        for (int i = 0; i < counts; i++)
            for (int k = 0; k <= counts && used[i]; k++) {
                double value = k == counts ? sample[s].ns : used[k] ? sample[s].count[k] : 0;
                matrix[i][k] += sample[s].count[i] / sample[s].ns * (value / sample[s].ns);
            }
    solve(matrix, counts, ns);
}

double stage_fit(const struct stage_sample *sample, int samples, int counts, double ns[STAGE_COUNTS])
{
    bool used[STAGE_COUNTS] = {true, true, true, true, true}, again = true;
    while (again) {
        again = false;
        fit_some(sample, samples, counts, used, ns);
        for (int i = 0; i < counts; i++)
            if (ns[i] < 0) {
                used[i] = false;
                again = true;
            }
    }
    double worst = 0;
    for (int s = 0; s < samples; s++) {
        double sum = 0;
        for (int i = 0; i < counts; i++)
            sum += ns[i] * sample[s].count[i];
        worst = fmax(worst, fabs(sum / sample[s].ns - 1));
    }
    return worst;
}
