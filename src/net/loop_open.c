#include <stdlib.h>

#include "net/loop_state.h"

static void free_loop(struct loop *loop)
{
    for (int i = 0; i < 2 * loop->lines; i++)
        while (loop->line[i / 2].way[i % 2])
            loop_take_off(&loop->line[i / 2].way[i % 2], loop->line[i / 2].way[i % 2]);
    pthread_mutex_destroy(&loop->lock);
    for (int i = 0; i <= loop->leaders; i++)
        free(loop->end[i].port);
    free(loop->line);
    free(loop);
}

void loop_close(struct net *net)
{
    struct end *end = end_of(net);
    struct loop *loop = end->loop;
    struct net_event event;
    pthread_mutex_lock(&loop->lock);
    for (int peer = 0; peer < net->peers; peer++) {
        loop_lose(end, peer, false);
        line_to(end, peer)->closed[here(end, peer)] = true;
    }
    for (struct ending *ending; (ending = endings_take(&end->endings, &event));)
        loop_let_go(ending->owner);
    bool last = --loop->open == 0;
    pthread_mutex_unlock(&loop->lock);
    if (last)
        free_loop(loop);
}

static void connect(struct loop *loop, struct end *first, struct end *second)
{
    struct line *line = &loop->line[loop->lines++];
    first->port[first->net.peers] = (struct port){line, FIRST, second, second->net.peers};
    second->port[second->net.peers] = (struct port){line, SECOND, first, first->net.peers};
    first->net.peers++;
    second->net.peers++;
}

static struct loop *loop_new(int leaders)
{
    size_t n = (size_t)leaders + 1;
    struct loop *loop = calloc(1, sizeof *loop + n * sizeof *loop->end);
    if (!loop)
        return NULL;
    bool done = (loop->line = calloc(n * n, sizeof *loop->line));
    for (size_t i = 0; i < n; i++) {
        loop->end[i] = (struct end){.net = {.ops = &loop_ops}, .loop = loop};
        done = (loop->end[i].port = calloc(n, sizeof *loop->end[i].port)) && done;
    }
    pthread_mutex_init(&loop->lock, NULL);
    loop->leaders = leaders;
    loop->open = leaders + 1;
    if (done)
        return loop;
    free_loop(loop);
    return NULL;
}

static rp_status open_loop(int leaders, bool kin, struct net **manager, struct net *leader[],
                           struct error *error)
{
    struct loop *loop = loop_new(leaders);
    if (!loop)
        return error_set(error, RP_NO_MEMORY, "no memory for a net of %d nodes", leaders);
    for (int i = 1; i <= leaders; i++)
        connect(loop, &loop->end[0], &loop->end[i]);
    for (int i = 1; i <= leaders && kin; i++)
        for (int k = i + 1; k <= leaders; k++)
            connect(loop, &loop->end[i], &loop->end[k]);
    for (int i = 0; i < leaders; i++)
        leader[i] = &loop->end[i + 1].net;
    *manager = &loop->end[0].net;
    return RP_OK;
}

rp_status net_open_loop(int leaders, struct net **manager, struct net *leader[], struct error *error)
{
    return open_loop(leaders, false, manager, leader, error);
}

rp_status net_open_loop_kin(int leaders, struct net **manager, struct net *leader[], struct error *error)
{
    return open_loop(leaders, true, manager, leader, error);
}
