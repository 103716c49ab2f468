/* What can be seen from outside: entries of folders, and what the launch starts. */
#ifndef RANKPOOL_TESTS_TRACES_H
#define RANKPOOL_TESTS_TRACES_H

#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/* Entries of a folder whose names fit a pattern of the shell; 0 where it cannot be read. */
static inline int count_entries(const char *folder, const char *pattern)
{
    int count = 0;
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        count += fnmatch(pattern, entry->d_name, FNM_PERIOD) == 0;
    if (directory)
        closedir(directory);
    return count;
}

/* Names of shared memory that a process has made. */
static inline int count_names(long pid)
{
    char pattern[48];
    snprintf(pattern, sizeof pattern, "rankpool.%ld.*", pid);
    return count_entries("/dev/shm", pattern);
}

/* The mpirun that a process has started; 0: none. */
static inline long mpirun_of(long parent)
{
    char path[64], name[32];
    long pid, found = 0;
    snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", parent, parent);
    FILE *children = fopen(path, "re");
    while (children && fscanf(children, "%ld", &pid) == 1) {
        snprintf(path, sizeof path, "/proc/%ld/comm", pid);
        FILE *comm = fopen(path, "re");
        if (comm && fgets(name, sizeof name, comm) &&
            (!strcmp(name, "mpirun\n") || !strcmp(name, "orterun\n")))
            found = pid;
        if (comm)
            fclose(comm);
    }
    if (children)
        fclose(children);
    return found;
}

#endif
