#define _GNU_SOURCE
#include "board/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/nameless.h"

enum limited { LIMITED_FILE, LIMITED_ADDRESS_SPACE };

/* The C library's own type for a resource is not the same everywhere. */
static size_t soft_limit(enum limited what)
{
    struct rlimit limit;
    int failed = what == LIMITED_FILE ? getrlimit(RLIMIT_FSIZE, &limit) : getrlimit(RLIMIT_AS, &limit);
    if (failed || limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    return limit.rlim_cur > SIZE_MAX ? SIZE_MAX : (size_t)limit.rlim_cur;
}

#define VALGRIND_REACH ((size_t)128 << 20)

static int create_memfd(size_t size)
{
    int fd = memfd_create("rankpool", MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, (off_t)size)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The descriptor again, or -1. */
static int allocate(int fd, size_t size)
{
    int rc = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)size);
    if (!rc)
        return fd;
    if (fd >= 0)
        close(fd);
    errno = rc;
    return -1;
}

static int create_nameless(size_t size)
{
    return allocate(nameless_in_shm(), size);
}

static int create_posix(size_t size, char *name, size_t room)
{
    static _Atomic unsigned serial;
    snprintf(name, room, "/rankpool.%ld.%u", (long)getpid(), atomic_fetch_add(&serial, 1));
    int opened = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), fd = allocate(opened, size);
    if (opened >= 0 && fd < 0) {
        int why = errno;
        shm_unlink(name);
        errno = why;
    }
    return fd;
}

static bool can_be_opened(int fd)
{
    char path[48];
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)getpid(), fd);
    int again = open(path, O_RDWR | O_CLOEXEC);
    if (again >= 0)
        close(again);
    return again >= 0;
}

/* What has no name is of use only where one process may open another's descriptors; its own shows
 * whether /proc is there at all. */
enum memory_kind memory_usual(void)
{
    enum memory_kind kind = MEMORY_MEMFD;
    int fd = create_memfd(4096);
    if (fd < 0) {
        kind = MEMORY_SHM;
        fd = create_nameless(4096);
    }
    if (fd < 0 || !can_be_opened(fd))
        kind = MEMORY_POSIX;
    if (fd >= 0)
        close(fd);
    return kind;
}

static int create(enum memory_kind kind, size_t size, char *name, size_t room)
{
    switch (kind) {
    case MEMORY_MEMFD:
        return create_memfd(size);
    case MEMORY_SHM:
        return create_nameless(size);
    default:
        return create_posix(size, name, room);
    }
}

static rp_status map(int fd, size_t size, int protection, struct memory *memory, struct error *error)
{
    void *base = mmap(NULL, size, protection, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (base == MAP_FAILED)
        return error_set(error, RP_NO_MEMORY, "cannot map %zu bytes of shared memory: %s", size,
                         strerror(errno));
    memory->base = base;
    memory->size = size;
    return RP_OK;
}

rp_status memory_create(enum memory_kind kind, size_t size, struct memory *memory, struct error *error)
{
    struct memory created = {.fd = -1};
    if (size > soft_limit(LIMITED_FILE)) /* the kernel would end the process by SIGXFSZ */
        return error_set(error, RP_NO_MEMORY,
                         "cannot create %zu bytes of shared memory: files of more than %zu are not allowed "
                         "here (ulimit -f)",
                         size, soft_limit(LIMITED_FILE));
    created.fd = create(kind, size, created.name, sizeof created.name);
    if (created.fd < 0)
        return error_set(error, RP_NO_MEMORY, "cannot create %zu bytes of shared memory%s: %s", size,
                         kind == MEMORY_MEMFD ? "" : " in /dev/shm", strerror(errno));
    rp_status status = map(created.fd, size, PROT_READ | PROT_WRITE, &created, error);
    if (status) {
        memory_forget_name(&created);
        close(created.fd);
        return status;
    }
    *memory = created;
    return RP_OK;
}

struct memory_handle memory_handle_of(const struct memory *memory)
{
    struct memory_handle handle = {.pid = getpid(), .fd = memory->fd, .size = memory->size};
    memcpy(handle.name, memory->name, sizeof handle.name);
    return handle;
}

static rp_status attach(const struct memory_handle *handle, bool writes, struct memory *memory,
                        struct error *error)
{
    char path[64];
    int fd, access = writes ? O_RDWR : O_RDONLY;
    if (handle->name[0]) {
        snprintf(path, sizeof path, "%.47s", handle->name);
        fd = shm_open(path, access | O_CLOEXEC, 0);
    } else {
        snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)handle->pid, (int)handle->fd);
        fd = open(path, access | O_CLOEXEC);
    }
    struct stat file;
    if (fd < 0 || fstat(fd, &file) || (uint64_t)file.st_size < handle->size) {
        int reason = errno;
        if (fd >= 0)
            close(fd);
        return error_set(error, fd >= 0 || reason == ENOENT ? RP_CLOSED : RP_UNSUPPORTED,
                         "cannot attach the shared memory %s of process %ld: %s", path, (long)handle->pid,
                         fd >= 0 ? "it is gone" : strerror(reason));
    }
    struct memory attached = {.fd = -1};
    rp_status status = map(fd, handle->size, writes ? PROT_READ | PROT_WRITE : PROT_READ, &attached, error);
    close(fd);
    if (!status)
        *memory = attached;
    return status;
}

rp_status memory_attach(const struct memory_handle *handle, struct memory *memory, struct error *error)
{
    return attach(handle, true, memory, error);
}

rp_status memory_attach_reading(const struct memory_handle *handle, struct memory *memory,
                                struct error *error)
{
    return attach(handle, false, memory, error);
}

void memory_forget_name(struct memory *memory)
{
    if (memory->name[0])
        shm_unlink(memory->name);
    memory->name[0] = '\0';
}

void memory_discard(void *start, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)start + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)start + size) / page * page;
    if (to > from)
        madvise((void *)from, to - from, MADV_REMOVE);
}

void memory_release(struct memory *memory)
{
    if (memory->base)
        munmap(memory->base, memory->size);
    if (memory->base && memory->fd >= 0)
        close(memory->fd);
    memory_forget_name(memory);
    *memory = (struct memory){.fd = -1};
}

/* Its leak check reads all of a segment, and so takes memory for all of it. */
static bool runs_under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded && strstr(preloaded, "/vgpreload_");
}

size_t memory_reach(void)
{
    if (runs_under_valgrind())
        return VALGRIND_REACH;
    size_t reach = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    size_t address_space = soft_limit(LIMITED_ADDRESS_SPACE) / 4;
    size_t file = soft_limit(LIMITED_FILE);
    if (address_space < reach)
        reach = address_space;
    return file < reach ? file : reach;
}
