#define _GNU_SOURCE
#include "deeds.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile int depth_wanted = 1 << 30;

static __attribute__((noinline)) int go_deeper(volatile char *above, int depth)
{
    volatile char here[4096];
    here[0] = (char)(*above + 1);
    return depth < depth_wanted ? go_deeper(here, depth + 1) + here[0] : 0;
}

static char *volatile nowhere; /* NULL */

static void take_memory(void)
{
    for (;;) {
        char *memory = malloc((size_t)4 << 20);
        memset(memory, 1, (size_t)4 << 20); /* NULL in the end */
        __asm__ volatile("" : : "r"(memory) : "memory");
    }
}

/* The stage, and what the checks count failures in. */
static bool is_the_tests(const char *line, size_t size)
{
    return strstr(line, "rankpool-stage") || (strstr(line, "/dev/zero") && size == 4096);
}

/* Through /proc/self/mem what cannot be written is skipped, rather than ending the process. Shared
 * memory comes first: behind private memory there is nobody left to write. */
static void write_everywhere(bool private_too)
{
    static char junk[4096], lines[512][160];
    FILE *maps = fopen("/proc/self/maps", "re");
    int count = 0, memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    while (count < 512 && fgets(lines[count], sizeof lines[count], maps))
        count++;
    fclose(maps);
    memset(junk, 0xa5, sizeof junk);
    for (int all = 0; all <= private_too; all++)
        for (int i = 0; i < count; i++) {
            unsigned long start, end;
            char access[8];
            if (sscanf(lines[i], "%lx-%lx %7s", &start, &end, access) != 3 || (access[3] != 's' && !all) ||
                is_the_tests(lines[i], end - start))
                continue;
            for (unsigned long at = start; at < end && at < start + (1 << 20); at += sizeof junk)
                if (pwrite(memory, junk, sizeof junk, (off_t)at) < 0)
                    break;
        }
    close(memory);
}

static void do_deed(rp_call *call, enum deed deed)
{
    char here = 0;
    switch (deed) {
    case SEGFAULT:
        *nowhere = 1;
        break;
    case ABORT:
        abort();
    case EXIT_3:
        exit(3);
    case EXIT_0:
        _exit(0);
    case KILL:
        raise(SIGKILL);
        break;
    case LOOP:
        for (;;)
            __asm__ volatile("");
    case OVERFLOW:
        go_deeper(&here, 0);
        break;
    case BOMB:
        take_memory();
        break;
    case WILD:
        write_everywhere(true);
        for (;;)
            __asm__ volatile("");
    case SCRIBBLE:
        write_everywhere(false);
        break;
    case HALF_WAY: {
        size_t size = (size_t)32 << 20;
        char *room = rp_reserve(call, size);
        memset(room, 1, size / 2);
        abort();
    }
    default:
        break;
    }
}

int deed_act(rp_call *call, const void *in, size_t size)
{
    const struct item *item = in;
    (void)size;
    do_deed(call, item->deed);
    size_t answer = answer_of(item->number);
    return rp_return(call, &answer, sizeof answer);
}

bool deed_suits(enum deed deed)
{
    return !process_is_inspected() || (deed != WILD && deed != SCRIBBLE && deed != BOMB && deed != OVERFLOW);
}

rp_pool *deed_open(void)
{
    return suite_open(RP_OPTIONS(.isolate = 1, .timeout = 0.5, .task_memory = (size_t)64 << 20));
}
