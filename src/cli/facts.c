#define _GNU_SOURCE
#include "cli/facts.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "func/note.h"

#define HEAD "rankpool facts "
#define FORM "1" /* grows when what the names mean changes */

/* ---- What there is to be known ----------------------------------------------------------- */

static void gather_names(struct list *facts)
{
    char host[256] = "localhost";
    gethostname(host, sizeof host - 1);
    list_addf(facts, "host=%s", host);
    list_addf(facts, "rankpool=%s", command_version);
}

static void gather_user(struct list *facts)
{
    const char *allowed = getenv("OMPI_ALLOW_RUN_AS_ROOT");
    list_addf(facts, "user=%ld", (long)geteuid());
    list_addf(facts, "root_allowed=%d", allowed && strcmp(allowed, "1") == 0);
}

static void gather_shm(struct list *facts)
{
    struct statvfs about;
    if (statvfs("/dev/shm", &about))
        return;
    list_addf(facts, "shm=%" PRIu64, (uint64_t)about.f_blocks * about.f_frsize);
    list_addf(facts, "shm_free=%" PRIu64, (uint64_t)about.f_bavail * about.f_frsize);
}

static void gather_cpus(struct list *facts)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN), most = sysconf(_SC_NPROCESSORS_CONF);
    int count = most > CPU_SETSIZE ? (int)most : CPU_SETSIZE;
    size_t size = CPU_ALLOC_SIZE((size_t)count);
    cpu_set_t *set = CPU_ALLOC((size_t)count);
    if (set && sched_getaffinity(0, size, set) == 0)
        list_addf(facts, "cpus=%d", CPU_COUNT_S(size, set));
    CPU_FREE(set);
    list_addf(facts, "cpus_online=%ld", online);
}

static void gather_workers(const struct node_request *request, struct list *facts)
{
    struct node *node;
    struct node_plan plan;
    struct error error;
    if (node_open(&(struct node_source){.root = ""}, &node, &error))
        return;
    if (!node_plan_make(node, request, &plan, &error)) {
        list_addf(facts, "workers=%d", plan.workers);
        node_plan_free(&plan);
    }
    node_close(node);
}

static bool has_entries(const char *folder)
{
    DIR *directory = opendir(folder);
    bool found = false;
    for (struct dirent *entry; directory && !found && (entry = readdir(directory));)
        found = entry->d_name[0] != '.';
    if (directory)
        closedir(directory);
    return found;
}

static void gather_locked(struct list *facts)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
        if (limit.rlim_cur == RLIM_INFINITY)
            list_add(facts, "locked=unlimited");
        else
            list_addf(facts, "locked=%" PRIu64, (uint64_t)limit.rlim_cur);
    }
    list_addf(facts, "fabric=%d", has_entries("/sys/class/infiniband"));
}

static void gather_clock(struct list *facts)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    list_addf(facts, "clock=%lld.%06ld", (long long)now.tv_sec, now.tv_nsec / 1000);
}

/* Addresses that hold on one link alone are left out: others cannot name them. */
static void add_address(const struct ifaddrs *one, struct list *facts)
{
    char text[INET6_ADDRSTRLEN];
    const void *address;
    if (one->ifa_addr->sa_family == AF_INET)
        address = &((const struct sockaddr_in *)(const void *)one->ifa_addr)->sin_addr;
    else if (one->ifa_addr->sa_family == AF_INET6)
        address = &((const struct sockaddr_in6 *)(const void *)one->ifa_addr)->sin6_addr;
    else
        return;
    if (one->ifa_addr->sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)address))
        return;
    if (inet_ntop(one->ifa_addr->sa_family, address, text, sizeof text))
        list_addf(facts, "address=%s %s", one->ifa_name, text);
}

static void gather_addresses(struct list *facts)
{
    struct ifaddrs *all;
    if (getifaddrs(&all))
        return;
    for (const struct ifaddrs *one = all; one; one = one->ifa_next)
        if (one->ifa_addr && (one->ifa_flags & IFF_UP) && !(one->ifa_flags & IFF_LOOPBACK))
            add_address(one, facts);
    freeifaddrs(all);
}

static void gather_program(const char *program, struct list *facts)
{
    uint64_t id;
    struct error error;
    if (access(program, F_OK))
        list_add(facts, "program=missing");
    else if (access(program, X_OK))
        list_addf(facts, "program=%s", strerror(errno));
    else
        list_add(facts, "program=found");
    if (!func_note_file(program, &id, &error) && id != FUNC_NO_ID)
        list_addf(facts, "build=%016" PRIx64, id);
}

void facts_gather(const char *program, const struct node_request *request, struct list *facts)
{
    gather_names(facts);
    gather_clock(facts);
    gather_user(facts);
    gather_shm(facts);
    gather_cpus(facts);
    gather_workers(request, facts);
    gather_locked(facts);
    gather_addresses(facts);
    gather_program(program, facts);
    facts_gather_mpi(program, facts);
}

/* ---- As text ----------------------------------------------------------------------------- */

void facts_write(const struct list *facts, FILE *out)
{
    fprintf(out, HEAD FORM "\n");
    for (size_t i = 0; i < facts->count; i++)
        fprintf(out, "%.*s\n", (int)strcspn(facts->items[i], "\n"), facts->items[i]);
    fprintf(out, FACTS_END "\n");
}

rp_status facts_read(char *text, struct list *facts, struct error *error)
{
    char *line = strstr(text, HEAD);
    if (line && strncmp(line, HEAD FORM "\n", strlen(HEAD FORM "\n")) != 0)
        return error_set(error, RP_MISMATCH,
                         "its rankpool is of another version: install the same on all nodes");
    struct list read = {0};
    for (line = line ? strchr(line, '\n') : NULL; line; line = strchr(line, '\n')) {
        *line++ = '\0';
        size_t length = strcspn(line, "\n");
        if (length == strlen(FACTS_END) && strncmp(line, FACTS_END, length) == 0) {
            *facts = read;
            return read.short_of_memory ? error_set(error, RP_NO_MEMORY, "no memory for what a node says")
                                        : RP_OK;
        }
        if (line[length] && memchr(line, '=', length))
            list_addf(&read, "%.*s", (int)length, line);
    }
    list_free(&read);
    return error_set(error, RP_INVALID, "what it said of itself is not what rankpool says");
}

const char *facts_text(const struct list *facts, const char *name)
{
    const char *value = list_value(facts->items, name);
    return value ? value : "";
}

double facts_number(const struct list *facts, const char *name, double unknown)
{
    const char *text = facts_text(facts, name);
    char *end;
    double number = strtod(text, &end);
    return end == text || *end ? unknown : number;
}
