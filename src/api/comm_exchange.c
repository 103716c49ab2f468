/* What the ranks of a comm tell each other: collectives of MPI that do not block, so that who waits for the
 * others sleeps, goes on with what its process has to do for open pools, and sees deaths.
 *
 * MPI does not end a collective in which a rank has died. So every rank looks whether the processes of its
 * own kernel live, and tells the ranks elsewhere when one does not; and who hears of other machines, for the
 * pools that the comm has had, tells all of what has ended there. Before it has had any, nobody hears of
 * other machines: there an exchange that takes too long is one that never ends. A comm that has lost a rank
 * is of no use any more: what has begun there stays with MPI, memory and all. */
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "api/comm_state.h"
#include "api/team.h"
#include "base/clock.h"
#include "base/futex.h"
#include "base/pidfd.h"
#include "config/silence.h"
#include "net/hangup.h"
#include "net/mpi_call.h"

#define AWAKE_NS UINT64_C(200000)  /* that it waits without naps, and without seeing to anything else */
#define NAP_MOST UINT64_C(2000000) /* the longest nap */
#define LOOK_NS  UINT64_C(50000000)
#define TELL_NS  UINT64_C(500000000) /* the longest that it waits for a word to leave */

#define ANSWER_S 5 /* that leaders may take to find each other, while all others wait: level.c */

/* Of the number of a rank that has died; nothing else is sent by a comm but collectives. */
#define LOST_TAG 1

/* ---- Waiting ----------------------------------------------------------------------------- */

/* Where there are many pools a look after all of them takes longer than what is waited for. */
struct waiting {
    uint64_t begun, next; /* clock_ns */
    uint64_t looks;       /* after the others, in vain */
};

static struct waiting begin_to_wait(void)
{
    uint64_t now = clock_ns();
    return (struct waiting){.begun = now, .next = now + AWAKE_NS};
}

static bool tend(struct waiting *waiting)
{
    uint64_t now = clock_ns();
    if (now < waiting->next)
        return false;
    bool any = team_tend();
    uint64_t took = clock_ns() - now;
    waiting->next = now + took + (8 * took > AWAKE_NS ? 8 * took : AWAKE_NS);
    return any;
}

static void rest(const struct waiting *waiting)
{
    _Atomic uint32_t never = 0;
    uint64_t now = clock_ns(), waited = now - waiting->begun;
    if (waited < AWAKE_NS)
        sched_yield();
    else
        futex_wait(&never, 0, now + (waited / 8 < NAP_MOST ? waited / 8 : NAP_MOST));
}

/* Whether they are done. */
static int test(int requests, MPI_Request *request, int *done)
{
    bool outer = mpi_enter();
    int code = MPI_Testall(requests, request, done, MPI_STATUSES_IGNORE);
    mpi_leave(outer);
    return code;
}

/* ---- Deaths ------------------------------------------------------------------------------ */

/* What ranks tell each other. */
struct word {
    int rank;
    int lives; /* it was given up */
};

static void lose(struct comm *comm, const struct word *word, const char *why)
{
    if (word->lives)
        error_set(&comm->lost, RP_MPI,
                  "rank %d of the communicator was given up by the manager of a pool%s%s: no pool can be "
                  "opened on it any more",
                  word->rank, why ? ", " : "", why ? why : "");
    else
        error_set(&comm->lost, RP_MPI,
                  "rank %d of the communicator has died: no pool can be opened on it any more", word->rank);
}

/* What is told, and to whom: MPI's until it has left. */
struct news {
    struct word word;
    int requests;
    MPI_Request request[];
};

/* The caller may not be in MPI again soon, which alone moves what has not left. */
static void see_off(struct news *news)
{
    struct waiting waiting = begin_to_wait();
    int done = 0;
    while (!test(news->requests, news->request, &done) && !done && clock_ns() < waiting.begun + TELL_NS)
        if (!tend(&waiting))
            rest(&waiting);
    if (done)
        free(news);
}

/* Whoever sees a death tells it: others that could may have died as well, or be long in coming. What is told
 * for the second time is not heard. */
static void tell(const struct comm *comm, const struct word *word, bool elsewhere)
{
    struct news *news = malloc(sizeof *news + (size_t)comm->ranks * sizeof *news->request);
    if (!news)
        return;
    *news = (struct news){.word = *word};
    bool outer = mpi_enter();
    for (int rank = 0; rank < comm->ranks; rank++)
        if (rank != comm->rank && (word->lives || rank != word->rank) && !(elsewhere && comm->pid[rank]) &&
            !mpi_isend(&news->word, sizeof news->word, rank, LOST_TAG, comm->own,
                       &news->request[news->requests]))
            news->requests++;
    mpi_leave(outer);
    see_off(news);
}

static void look_here(struct comm *comm)
{
    for (int rank = 0; rank < comm->ranks && !comm->lost.status; rank++)
        if (comm->pid[rank] && pidfd_is_gone(comm->pid[rank])) {
            lose(comm, &(struct word){rank, 0}, NULL);
            tell(comm, &(struct word){rank, 0}, true);
        }
}

static void look_elsewhere(struct comm *comm)
{
    struct comm_loss loss;
    if (!comm->kept || !comm->keeping.find_lost || !comm->keeping.find_lost(comm->kept, &loss))
        return;
    struct word word = {loss.rank, loss.why != NULL};
    lose(comm, &word, loss.why);
    if (loss.tells)
        tell(comm, &word, false);
}

static void hear_elsewhere(struct comm *comm)
{
    int told = 0;
    struct word word;
    MPI_Status status;
    bool outer = mpi_enter(), heard;
    heard =
        !MPI_Iprobe(MPI_ANY_SOURCE, LOST_TAG, comm->own, &told, &status) && told &&
        !MPI_Recv(&word, sizeof word, MPI_BYTE, status.MPI_SOURCE, LOST_TAG, comm->own, MPI_STATUS_IGNORE);
    mpi_leave(outer);
    if (heard)
        lose(comm, &word, NULL);
}

static bool are_all_here(const struct comm *comm)
{
    for (int rank = 0; rank < comm->ranks; rank++)
        if (!comm->pid[rank])
            return false;
    return true;
}

/* No pool has been opened by which they would hear of other machines. What counts is how often was looked:
 * who was stopped meanwhile has not. */
static void count_in_vain(struct comm *comm, struct waiting *waiting)
{
    int silence_s = SILENCE_DEFAULT_S;
    silence_read(&silence_s, NULL); /* what makes no sense is said where leaders meet */
    uint64_t most = (uint64_t)(silence_s + ANSWER_S) * UINT64_C(1000000000) / LOOK_NS;
    if (!comm->together || comm->kept || ++waiting->looks < most || are_all_here(comm))
        return;
    error_set(&comm->lost, RP_MPI,
              "ranks of other machines have said nothing for %d seconds in the first rp_open_comm on the "
              "communicator: a machine has failed, or the way to it: no pool can be opened on it any more",
              silence_s + ANSWER_S);
}

/* Before the ranks know each other nobody can tell. */
static void look(struct comm *comm, struct waiting *waiting)
{
    uint64_t now = clock_ns();
    if (!comm->knows || now < comm->looked + LOOK_NS)
        return;
    comm->looked = now;
    look_here(comm);
    if (!comm->lost.status)
        hear_elsewhere(comm);
    if (!comm->lost.status)
        look_elsewhere(comm);
    if (!comm->lost.status)
        count_in_vain(comm, waiting);
}

void comm_watch(struct comm *comm, int rank, long pid)
{
    comm->pid[rank] = pid;
    comm->knows = true;
}

void comm_expect(struct comm *comm, bool all)
{
    comm->together = all;
}

/* ---- Waiting for an exchange ----------------------------------------------------------------- */

/* Ends what `begin` has begun. A status but RP_OK: the request may go on for ever. */
static rp_status await(struct comm *comm, int code, MPI_Request *request, const char *what,
                       struct error *error)
{
    struct waiting waiting = begin_to_wait();
    rp_status status = mpi_judge(code, what, error);
    for (int done = 0; !status;) {
        status = mpi_judge(test(1, request, &done), what, error);
        if (status || done)
            break;
        look(comm, &waiting);
        if (comm->lost.status)
            status = error_set(error, comm->lost.status, "%s", comm->lost.text);
        else if (!tend(&waiting))
            rest(&waiting);
    }
    hangup_unguard();
    return status;
}

/* Memory that MPI may use for longer than the call takes; NULL: the exchange is not to begin. */
static void *begin(struct comm *comm, size_t size, struct error *error)
{
    if (comm->lost.status) {
        error_set(error, comm->lost.status, "%s", comm->lost.text);
        return NULL;
    }
    void *place = malloc(size ? size : 1);
    if (place)
        hangup_guard();
    else
        error_set(error, RP_NO_MEMORY, "no memory to meet %d ranks", comm->ranks);
    return place;
}

/* ---- Exchanges --------------------------------------------------------------------------- */

rp_status comm_all_gather(struct comm *comm, const void *mine, size_t size, void *all, struct error *error)
{
    size_t ranks = (size_t)comm->ranks;
    if (size > INT_MAX)
        return error_set(error, RP_INVALID, "%zu bytes to gather from each rank", size);
    MPI_Request request;
    char *place = begin(comm, ranks * size, error);
    if (!place)
        return error->status;
    memcpy(place + (size_t)comm->rank * size, mine, size);
    bool outer = mpi_enter();
    int code =
        MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, place, (int)size, MPI_BYTE, comm->own, &request);
    mpi_leave(outer);
    rp_status status = await(comm, code, &request, "MPI_Iallgather", error);
    if (status)
        return status;
    memcpy(all, place, ranks * size);
    free(place);
    return RP_OK;
}

rp_status comm_broadcast(struct comm *comm, int from, void *data, size_t size, struct error *error)
{
    if (size > INT_MAX)
        return error_set(error, RP_INVALID, "%zu bytes to broadcast", size);
    MPI_Request request;
    char *place = begin(comm, size, error);
    if (!place)
        return error->status;
    memcpy(place, data, size);
    bool outer = mpi_enter();
    int code = MPI_Ibcast(place, (int)size, MPI_BYTE, from, comm->own, &request);
    mpi_leave(outer);
    rp_status status = await(comm, code, &request, "MPI_Ibcast", error);
    if (status)
        return status;
    memcpy(data, place, size);
    free(place);
    return RP_OK;
}

rp_status comm_duplicate(struct comm *comm, MPI_Comm from, MPI_Comm *made, struct error *error)
{
    MPI_Request request;
    MPI_Comm *place = begin(comm, sizeof *place, error);
    if (!place)
        return error->status;
    bool outer = mpi_enter();
    int code = MPI_Comm_idup(from, place, &request);
    mpi_leave(outer);
    rp_status status = await(comm, code, &request, "MPI_Comm_idup", error);
    if (status)
        return status;
    *made = *place;
    free(place);
    return RP_OK;
}
