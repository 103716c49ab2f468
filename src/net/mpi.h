/* A net over MPI. It has a communicator to itself, also when it was closed: what lost peers have sent stays
 * there. One thread uses it (MPI_THREAD_SINGLE does).
 *
 * Frames. A head travels in a frame with the sizes of its segments. For each peer so many receives are posted
 * that every frame that may be under way finds one: NET_BUFFERS heads, which the sender counts (credits), the
 * frames that give credits back where no head takes them along (at least two a frame, so no more than
 * NET_BUFFERS / 2 of these are under way), and the goodbye of net_close. Nothing is received from "any
 * source", and nothing relies on MPI's buffering: whether a send ends before its receive is posted makes no
 * difference. (After net_hasten a peer may have more heads before it than receives: it finds these in MPI.)
 *
 * Segments. They are sent in pieces, one at a time each, straight into place: a tag belongs to a segment of a
 * message, by the number of the message among those of its sender that have segments. (Pieces are long enough
 * for their announcements to cost little. Of longer ones Open MPI copies as much into a connection at once as
 * the other end takes out, and meanwhile sees nothing of what comes from there.) Long messages go one
 * after the other, and so do their segments; as long as MPI_BRIEF or more of a peer's is on its way, nothing
 * else is given to MPI for it.
 *
 * Polling. All that is under way is one array of requests: for each peer the receive that its next frame will
 * complete, and the pieces. net_poll asks MPI (MPI_Testsome) about MPI_SLICE of them at a time, in turns, and
 * ends its search at the first slice in which something has completed: a thousand idle peers cost a pass over
 * their requests where nothing has happened, and next to nothing where something has.
 *
 * Loss. Nobody ends of what is sent to a peer that has died (hangup.h). MPI can recall neither a send nor a
 * receive that has begun. What a lost peer holds of these stays outstanding until MPI lets go of it, which
 * need not be before the process ends; net_close forgets it. (Open MPI 4.1 locks itself up when memory that
 * it sends over TCP is unmapped.)
 *
 * TCP. Open MPI 4.1 does not survive everything that a peer's death may interrupt. It aborts if a short
 * message has not been written by then: so none waits in its hands behind a long one, which it does survive
 * (what is brief may still wait, in a connection whose other end does not read; net_hasten gives such a peer
 * no more than MPI_HASTE bytes beyond its credits). It hangs if a message follows one that could not be
 * written: see mpi_isend. And it hangs in long ones if it takes locks, which it does from MPI_THREAD_FUNNELED
 * on, and with a progress thread: see lockup.h. */
#ifndef RANKPOOL_NET_MPI_H
#define RANKPOOL_NET_MPI_H

#include "net/net.h"

/* Opens this process's end on `communicator` (of type const MPI_Comm *, which is its maker's to free, after
 * net_close) with the peers of these ranks, each of which opens one with this process as a peer. Not
 * collective; errors of the communicator are returned from now on. RP_NO_MEMORY, RP_MPI. */
rp_status net_open_mpi(const void *communicator, const int *rank, int peers, struct net **net,
                       struct error *error);

#endif
