/* What can be seen from outside: entries of folders, what the launch starts, and what comes of a process. */
#ifndef RANKPOOL_TESTS_TRACES_H
#define RANKPOOL_TESTS_TRACES_H

#include <dirent.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Whether a process was started, or is a fork of one that was, with an item "NAME=value". */
static inline bool environment_has(long pid, const char *item)
{
    char path[64], items[131072];
    snprintf(path, sizeof path, "/proc/%ld/environ", pid);
    FILE *file = fopen(path, "re");
    size_t got = file ? fread(items, 1, sizeof items - 1, file) : 0;
    if (file)
        fclose(file);
    items[got] = '\0';
    for (const char *at = items; at < items + got; at += strlen(at) + 1)
        if (strcmp(at, item) == 0)
            return true;
    return false;
}

/* How many there are of these. */
static inline int count_processes(const char *item)
{
    int count = 0;
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes && (entry = readdir(processes));) {
        long pid = strtol(entry->d_name, NULL, 10);
        count += pid > 0 && environment_has(pid, item);
    }
    if (processes)
        closedir(processes);
    return count;
}

#endif
