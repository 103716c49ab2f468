/* Who writes to a connection whose other end has died is sent SIGPIPE, of which a process ends by default;
 * MPI does so over TCP. As long as there is a net that signal has no effect in its calls, on the thread that
 * makes them. All others have theirs: what the program writes for nobody ends it as ever, and a disposition
 * of its own is left as it is. */
#ifndef RANKPOOL_NET_HANGUP_H
#define RANKPOOL_NET_HANGUP_H

#include <stdbool.h>

/* A net more, and one less. */
void hangup_guard(void);
void hangup_unguard(void);

/* A call begins; what it gives is told when the call ends, since one may be made inside of another. */
bool hangup_enter(void);
void hangup_leave(bool before);

#endif
