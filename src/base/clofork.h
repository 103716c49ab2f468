/* Descriptors that no child has which is forked from now on and does not call exec: a connection whose end
 * says that its process has died would else go on for as long as a child of it lives. Kernels know this as
 * FD_CLOFORK, but Linux does not.
 *
 * It holds for fork(), whoever calls it, and not for clone() or vfork(). Mark descriptors that are
 * close-on-exec besides, and close them with clofork_close alone: their numbers are remembered. */
#ifndef RANKPOOL_BASE_CLOFORK_H
#define RANKPOOL_BASE_CLOFORK_H

#define CLOFORK_MOST 65536 /* numbers from here on are left as they are */

void clofork_mark(int fd);

/* One that was marked, or was not; below 0 is fine. */
void clofork_close(int fd);

#endif
