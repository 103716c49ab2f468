#define _GNU_SOURCE
#include "suite/process.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "traces.h"

static size_t count_lines(const char *path)
{
    size_t lines = 0;
    FILE *file = fopen(path, "re");
    for (int c; file && (c = getc(file)) != EOF;)
        lines += c == '\n';
    if (file)
        fclose(file);
    return lines;
}

/* The bytes of a line "<name>: <number> kB" of a file of /proc. */
static size_t read_line(const char *path, const char *name)
{
    char line[256];
    size_t kib = 0;
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0 && sscanf(line + strlen(name), ": %zu kB", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib << 10;
}

static size_t heap_in_use(void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}

struct process_usage process_usage(void)
{
    return (struct process_usage){
        .pid = (long)getpid(),
        .heap = heap_in_use(), /* before the buffers of what follows */
        .resident = read_line("/proc/self/status", "RssAnon"),
        .descriptors = (size_t)count_entries("/proc/self/fd", "*"),
        .mappings = process_mappings(),
        .names = (size_t)count_names(getpid()),
    };
}

void process_check(struct process_usage now, struct process_usage was, size_t heap, size_t resident)
{
    check_note("process %ld", now.pid);
    CHECK_INT(now.pid, was.pid);
    CHECK_UINT(now.descriptors, was.descriptors);
    CHECK_UINT(now.names, was.names);
    if (!process_is_inspected()) {
        CHECK_UINT(now.mappings > was.mappings + 2 ? now.mappings : was.mappings, was.mappings);
        CHECK_UINT(now.heap >= was.heap + heap ? now.heap : was.heap, was.heap);
        CHECK_UINT(now.resident >= was.resident + resident ? now.resident : was.resident, was.resident);
    }
    check_note("%s", "");
}

/* What a leak leaves is there in all looks behind it; what is on its way, in some. */
static size_t least_blocks(const struct process_usage *usages, int count)
{
    size_t least = usages[0].blocks;
    for (int i = 1; i < count; i++)
        least = usages[i].blocks < least ? usages[i].blocks : least;
    return least;
}

void process_check_each(const struct process_usage *usages, int count, size_t blocks, size_t heap,
                        size_t resident)
{
    int half = count / 2;
    size_t was = least_blocks(usages, half), now = least_blocks(usages + half, count - half);
    process_check(usages[count - 1], usages[0], heap, resident);
    check_note("process %ld", usages[0].pid);
    CHECK_UINT(now >= was + blocks ? now : was, was);
    check_note("%s", "");
}

size_t process_mappings(void)
{
    return count_lines("/proc/self/maps");
}

size_t process_resident(void)
{
    return read_line("/proc/self/status", "VmRSS");
}

size_t process_peak(void)
{
    return read_line("/proc/self/status", "VmHWM");
}

void process_forget(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "we");
    if (file) {
        fputs("5", file);
        fclose(file);
    }
}

/* A file that is a number; `otherwise` where it is none, as "max". */
static size_t read_number(const char *path, size_t otherwise)
{
    size_t number;
    FILE *file = fopen(path, "re");
    if (!file)
        return otherwise;
    if (fscanf(file, "%zu", &number) != 1)
        number = otherwise;
    fclose(file);
    return number;
}

size_t process_available(void)
{
    static const char *const limits[][2] = {
        /* as a container sees its own */
        {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"},
        {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"},
    };
    size_t available = read_line("/proc/meminfo", "MemAvailable");
    for (int i = 0; i < 2; i++) {
        size_t limit = read_number(limits[i][0], SIZE_MAX), used = read_number(limits[i][1], 0);
        size_t left = limit > used ? limit - used : 0;
        available = left < available ? left : available;
    }
    return available;
}

#if defined(__has_feature)
#define HAS(feature) __has_feature(feature)
#else
#define HAS(feature) 0
#endif

/* clang's sanitizers are no libraries of their own. */
bool process_is_inspected(void)
{
    char line[512];
    bool found = HAS(address_sanitizer) || HAS(thread_sanitizer);
    FILE *file = fopen("/proc/self/maps", "re");
    while (file && !found && fgets(line, sizeof line, file))
        found = strstr(line, "/vgpreload_") || strstr(line, "/libasan.so") || strstr(line, "/libtsan.so");
    if (file)
        fclose(file);
    return found;
}

/* schedstat begins with the nanoseconds that a thread has run. */
static double thread_cpu(long pid, const char *thread)
{
    char path[320];
    double ns = -1;
    snprintf(path, sizeof path, "/proc/%ld/task/%s/schedstat", pid, thread);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%lf", &ns) != 1)
        ns = -1;
    if (file)
        fclose(file);
    return ns;
}

double process_cpu(long pid)
{
    char path[64];
    double sum = 0;
    snprintf(path, sizeof path, "/proc/%ld/task", pid);
    DIR *threads = opendir(path);
    if (!threads)
        return -1;
    for (struct dirent *entry; (entry = readdir(threads));) {
        double ns = entry->d_name[0] == '.' ? 0 : thread_cpu(pid, entry->d_name);
        sum = ns < 0 || sum < 0 ? -1 : sum + ns * 1e-9;
    }
    closedir(threads);
    return sum;
}
