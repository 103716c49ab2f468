#define _GNU_SOURCE
#include "base/nameless.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int nameless_in_shm(void)
{
    char name[48];
    int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    snprintf(name, sizeof name, "/rankpool.%ld", (long)getpid());
    fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        shm_unlink(name);
    return fd;
}

int nameless_file(void)
{
    int fd = memfd_create("rankpool", MFD_CLOEXEC);
    return fd < 0 ? nameless_in_shm() : fd;
}
