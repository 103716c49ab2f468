#define _GNU_SOURCE
#include <dirent.h>
#include <fnmatch.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch/mpirun.h"

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about, (void)kind, (void)place;
    remove(path);
    return 0;
}

/* <tmp>/ompi.<host>.<user>/pid.<mpirun>, and the folder it is in if nothing else is. */
static void remove_session(const char *session, pid_t pid)
{
    char path[PATH_MAX], name[32];
    snprintf(path, sizeof path, "%s", session);
    snprintf(name, sizeof name, "/pid.%ld", (long)pid);
    char *last = strrchr(path, '/');
    if (!last || strcmp(last, name) != 0)
        return;
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    *last = '\0';
    rmdir(path);
}

/* /dev/shm/vader_segment.<host>.<user>.<job>.<rank>; later versions of Open MPI say sm_segment. */
static void remove_segments(const char *job)
{
    char pattern[96];
    snprintf(pattern, sizeof pattern, "*_segment.*.%u.%lx.*", (unsigned)getuid(), strtoul(job, NULL, 10));
    DIR *folder = opendir("/dev/shm");
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (fnmatch(pattern, entry->d_name, 0) == 0)
            unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
}

void mpirun_sweep(const struct mpirun *mpirun)
{
    char *const *lent = NULL;
    for (int i = 0; mpirun->lent && i < mpirun->ranks && !lent; i++)
        lent = mpirun->lent[i].items;
    const char *session = list_value(lent, "PMIX_SERVER_TMPDIR");
    const char *job = list_value(lent, "PMIX_NAMESPACE");
    if (session)
        remove_session(session, mpirun->pid);
    if (job && *job >= '0' && *job <= '9')
        remove_segments(job);
}
