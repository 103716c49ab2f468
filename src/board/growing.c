#define _GNU_SOURCE
#include "board/growing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP ((size_t)1 << 20) /* files grow by multiples of this */

static void path_of(char *path, size_t room, const struct memory_handle *handle)
{
    snprintf(path, room, "/proc/%ld/fd/%d", (long)handle->pid, (int)handle->fd);
}

static rp_status map(int fd, size_t reach, struct memory *memory, struct error *error)
{
    void *base = mmap(NULL, reach, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (base == MAP_FAILED)
        return error_set(error, RP_NO_MEMORY, "cannot map %zu bytes of shared memory: %s", reach,
                         strerror(errno));
    *memory = (struct memory){.base = base, .size = reach, .fd = fd};
    return RP_OK;
}

rp_status growing_is_possible(struct error *error)
{
    if (memory_usual() == MEMORY_MEMFD)
        return RP_OK;
    return error_set(error, RP_UNSUPPORTED,
                     "isolate: memory for the tasks' processes needs memfd_create and /proc/PID/fd, which "
                     "are not to be had here");
}

rp_status growing_create(size_t reach, size_t size, struct memory *memory, struct error *error)
{
    if (growing_is_possible(error))
        return RP_UNSUPPORTED;
    int fd = memfd_create("rankpool", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)size) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)) {
        int reason = errno;
        if (fd >= 0)
            close(fd);
        return error_set(error, RP_NO_MEMORY, "cannot create %zu bytes of shared memory: %s", size,
                         strerror(reason));
    }
    rp_status status = map(fd, reach, memory, error);
    if (status)
        close(fd);
    return status;
}

rp_status growing_attach(const struct memory_handle *handle, struct memory *memory, struct error *error)
{
    char path[48];
    path_of(path, sizeof path, handle);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, RP_CLOSED, "cannot attach the shared memory %s: %s", path, strerror(errno));
    rp_status status = map(fd, handle->size, memory, error);
    close(fd);
    if (!status)
        memory->fd = -1;
    return status;
}

size_t growing_size(const struct memory *memory)
{
    struct stat file;
    if (fstat(memory->fd, &file) || file.st_size < 0)
        return 0;
    return (size_t)file.st_size < memory->size ? (size_t)file.st_size : memory->size;
}

static bool extend(int fd, size_t reach, size_t size)
{
    struct stat file;
    if (size > reach || fstat(fd, &file))
        return false;
    if ((size_t)file.st_size >= size)
        return true;
    size_t rounded = reach - size < STEP ? reach : (size + STEP - 1) / STEP * STEP;
    return !ftruncate(fd, (off_t)rounded);
}

bool growing_extend(const struct memory *memory, size_t size)
{
    return extend(memory->fd, memory->size, size);
}

bool growing_extend_by_handle(const struct memory_handle *handle, size_t size)
{
    char path[48];
    path_of(path, sizeof path, handle);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool extended = extend(fd, handle->size, size);
    close(fd);
    return extended;
}

/* ---- What a fork has inherited ----------------------------------------------------------- */

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool is_ours(const char *name)
{
    return begins_with(name, "/memfd:rankpool ") || begins_with(name, "/dev/shm/rankpool.");
}

static bool has_no_name(const char *name)
{
    return begins_with(name, "socket:") || begins_with(name, "pipe:") || begins_with(name, "anon_inode:");
}

/* Shared memory of others, of MPI above all. */
static bool is_foreign(const char *name)
{
    if (begins_with(name, "/dev/"))
        return !begins_with(name, "/dev/zero");
    return strstr(name, "ompi") || strstr(name, "openmpi") || strstr(name, "pmix");
}

struct range {
    void *start;
    size_t size;
    bool ours;
};

/* One of the kinds above in a line of /proc/self/maps. */
static bool read_range(const char *line, struct range *range)
{
    unsigned long start, end;
    char access[8];
    const char *name = strchr(line, '/');
    if (!name || sscanf(line, "%lx-%lx %7s", &start, &end, access) != 3 || access[3] != 's') /* NOLINT */
        return false;
    *range = (struct range){(void *)start, end - start, is_ours(name)}; /* NOLINT */
    return range->ours || is_foreign(name);
}

/* The list is read to its end first: the kernel goes through it as it is. */
static void forget_mappings(void)
{
    enum { MOST = 4096 };
    static struct range found[MOST];
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    int count = 0;
    while (maps && count < MOST && fgets(line, sizeof line, maps))
        count += read_range(line, &found[count]);
    if (maps)
        fclose(maps);
    for (int i = 0; i < count; i++)
        if (found[i].ours)
            munmap(found[i].start, found[i].size);
        else
            mprotect(found[i].start, found[i].size, PROT_READ);
}

static void forget_descriptors(bool all)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char name[64];
        int fd = atoi(entry->d_name);
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, name, sizeof name - 1);
        name[length > 0 ? length : 0] = '\0';
        if (fd >= 3 && fd != dirfd(folder) && (is_ours(name) || (all && has_no_name(name))))
            close(fd);
    }
    closedir(folder);
}

void growing_forget_inherited(bool all)
{
    forget_mappings();
    forget_descriptors(all);
}
