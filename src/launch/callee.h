/* How a program is to be started, told from its file: by itself, because it calls rp_open, which starts its
 * ranks, or by mpirun. */
#ifndef RANKPOOL_LAUNCH_CALLEE_H
#define RANKPOOL_LAUNCH_CALLEE_H

enum callee {
    CALLEE_MPI,      /* whatever is not one of the others: an MPI program, a script, any command */
    CALLEE_MPI_POOL, /* an MPI program with pools: it calls rp_open_comm; or one of which it cannot be told */
    CALLEE_POOL,     /* it calls rp_open, and leaves MPI to it */
};

/* By the symbols that an ELF file takes from libraries, or has in it; any other file is CALLEE_MPI. */
enum callee callee_of(const char *path);

#endif
