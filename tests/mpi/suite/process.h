/* What a process uses of the machine, by /proc: for cases that say that nothing is left behind. They
 * ask the manager's process, and workers through tasks. */
#ifndef RANKPOOL_TESTS_MPI_PROCESS_H
#define RANKPOOL_TESTS_MPI_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

struct process_usage {
    long pid;
    size_t descriptors; /* open ones */
    size_t mappings;    /* lines of /proc/self/maps */
    size_t names;       /* of this process's in /dev/shm */
    size_t heap;        /* bytes of malloc that are in use, more or less; 0: not known */
    size_t blocks;      /* of malloc that the library and the program have; 0: not counted, see heap.h */
    size_t resident;    /* bytes that are not shared */
};

/* Of this process. */
struct process_usage process_usage(void);

/* What is used by now is no more than what was: heap and resident memory by less than the bytes
 * given, mappings by a few, since malloc takes some for itself. Memory is not looked at where a tool
 * keeps its own. */
void process_check(struct process_usage now, struct process_usage was, size_t heap, size_t resident);

/* The same of many usages, of a program that counts its blocks (heap.h): of these it has fewer than `blocks`
 * more in the second half than in the first, each time at least. An array that grows is one block as before.
 * Where MPI takes memory for lists of its own `heap` is SIZE_MAX / 2. */
void process_check_each(const struct process_usage *usages, int count, size_t blocks, size_t heap,
                        size_t resident);

size_t process_mappings(void);  /* lines of /proc/self/maps */
size_t process_resident(void);  /* bytes */
size_t process_peak(void);      /* the most bytes that were resident since the last process_forget */
void process_forget(void);      /* the peak is what is resident now */
size_t process_available(void); /* bytes of memory that the machine has left */

bool process_is_inspected(void); /* by valgrind or a sanitizer, which keep memory of their own */

/* Processor seconds that a process, with all its threads, has used; below 0: not known. */
double process_cpu(long pid);

#endif
