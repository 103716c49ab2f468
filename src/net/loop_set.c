/* What tests set: how long messages are under way, and what is lost with a peer. */
#include <string.h>

#include "net/loop_state.h"

void net_loop_delay(struct net *net, unsigned heads, unsigned bodies)
{
    struct end *end = end_of(net);
    pthread_mutex_lock(&end->loop->lock);
    end->head_delay = heads;
    end->body_delay = bodies;
    pthread_mutex_unlock(&end->loop->lock);
}

void net_loop_hold(struct net *net, int peer, bool held)
{
    struct end *end = end_of(net);
    pthread_mutex_lock(&end->loop->lock);
    line_to(end, peer)->held[there(end, peer)] = held;
    pthread_mutex_unlock(&end->loop->lock);
}

void net_loop_cut(struct net *net, int peer)
{
    struct end *end = end_of(net);
    pthread_mutex_lock(&end->loop->lock);
    loop_lose(end, peer, true);
    loop_lose(other_end(end, peer), end->port[peer].number, true);
    pthread_mutex_unlock(&end->loop->lock);
}

/* What a peer that has been lost may write at its last. */
static void write_over(const struct end *end, int peer)
{
    for (struct message *message = line_to(end, peer)->way[there(end, peer)]; message;
         message = message->next)
        for (int i = 0; i < message->segments && message->state == RECEIVING && !message->copied; i++)
            if (message->to[i] && message->segment[i].size > 0)
                memset(message->to[i], 0xdd, message->segment[i].size);
}

void net_loop_cling(struct net *net, bool clings)
{
    struct end *end = end_of(net);
    pthread_mutex_lock(&end->loop->lock);
    end->clings = clings;
    for (int peer = 0; peer < net->peers && !clings; peer++) {
        struct line *line = line_to(end, peer);
        if (!line->kept[here(end, peer)])
            continue;
        line->kept[here(end, peer)] = false;
        write_over(end, peer);
        loop_tell_all(end, peer, false);
    }
    pthread_mutex_unlock(&end->loop->lock);
}
