#include "run/crew.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/watch.h"

struct crew *crew_new(int count)
{
    struct crew *crew = calloc(1, sizeof *crew + (size_t)count * sizeof *crew->member);
    if (crew) {
        crew->users = 1;
        crew->count = crew->here = count;
    }
    return crew;
}

struct crew *crew_of_roster(const struct roster *roster)
{
    struct crew *crew = crew_new((int)roster->shared->members);
    for (int i = 0; crew && i < crew->count; i++) {
        const struct roster_member *from = &roster->shared->member[i];
        struct crew_member *to = &crew->member[i];
        to->number = i ? (int)roster->shared->first + i - 1 : 0;
        to->visible = true;
        to->rank = from->rank;
        to->numa_node = from->numa_node;
        to->pid = (long)from->pid;
        memcpy(to->host, from->host, sizeof to->host);
        memcpy(to->cpus, from->cpus, sizeof to->cpus);
    }
    return crew;
}

struct crew *crew_alone(const char *host, const char *cpus, int numa_node)
{
    struct crew *crew = crew_new(2);
    for (int i = 0; crew && i < 2; i++) {
        struct crew_member *member = &crew->member[i];
        member->number = i;
        member->visible = true;
        member->numa_node = numa_node;
        member->pid = getpid();
        snprintf(member->host, sizeof member->host, "%s", host);
        snprintf(member->cpus, sizeof member->cpus, "%s", cpus);
    }
    return crew;
}

struct crew *crew_for(int self, const struct crew_member *member)
{
    struct crew *crew = crew_new(self + 1);
    if (crew)
        crew->member[self] = *member;
    return crew;
}

struct crew *crew_hold(struct crew *crew)
{
    crew->users++;
    return crew;
}

void crew_drop(struct crew *crew)
{
    if (!crew || --crew->users)
        return;
    watch_close(crew->watch);
    free(crew);
}

rp_worker_info crew_info(const struct crew *crew, int worker, size_t tasks_done)
{
    const struct crew_member *member = &crew->member[worker];
    return (rp_worker_info){.worker = member->number,
                            .rank = member->rank,
                            .host = member->host,
                            .pid = member->pid,
                            .alive = !member->dead,
                            .cpus = member->cpus,
                            .numa_node = member->numa_node,
                            .tasks_done = tasks_done};
}
