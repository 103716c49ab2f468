/* Files in memory that have no name, so that nothing is left of them however their users end. */
#ifndef RANKPOOL_BASE_NAMELESS_H
#define RANKPOOL_BASE_NAMELESS_H

/* An empty file of /dev/shm; its descriptor, which exec closes, or -1 with errno. */
int nameless_in_shm(void);

/* A memfd; where the kernel has none, the same. */
int nameless_file(void);

#endif
