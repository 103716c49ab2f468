#define _GNU_SOURCE
#include "launch/offer.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD        "rankpool offer "
#define FORM        "1" /* grows when the lines below change */
#define OBJECTS_MAX (1 << 20)

/* ---- Making ------------------------------------------------------------------------------ */

static void read_boot(char *boot, size_t size)
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!file || !fgets(boot, (int)size, file))
        boot[0] = '\0';
    boot[strcspn(boot, "\n")] = '\0';
    if (file)
        fclose(file);
}

static char *own_machine(void)
{
    char boot[48], space[40], *machine = NULL;
    read_boot(boot, sizeof boot);
    ssize_t length = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    space[length > 0 ? length : 0] = '\0';
    return asprintf(&machine, "%s %s", boot, space) < 0 ? NULL : machine;
}

static bool name_machine(struct offer *offer)
{
    char host[256] = "localhost";
    gethostname(host, sizeof host - 1);
    offer->host = strdup(host);
    offer->machine = own_machine();
    return offer->host && offer->machine;
}

bool offer_is_here(const struct offer *offer)
{
    char *machine = own_machine();
    bool here = machine && strcmp(machine, offer->machine) == 0;
    free(machine);
    return here;
}

rp_status offer_make(const struct node_request *request, struct offer *offer, struct error *error)
{
    struct node *node;
    struct offer made = {0};
    rp_status status = node_open(&(struct node_source){.root = ""}, &node, error);
    if (status)
        return status;
    status = node_plan_make(node, request, &made.plan, error);
    if (!status)
        status = node_tree_make(node, &made.plan, &made.tree, error);
    node_close(node);
    if (!status && !name_machine(&made))
        status = error_set(error, RP_NO_MEMORY, "no memory to describe this machine");
    if (status)
        offer_free(&made);
    else
        *offer = made;
    return status;
}

void offer_free(struct offer *offer)
{
    free(offer->host);
    free(offer->machine);
    node_plan_free(&offer->plan);
    node_tree_free(&offer->tree);
    *offer = (struct offer){0};
}

/* ---- Writing ----------------------------------------------------------------------------- */

static void write_reason(const char *reason, FILE *out)
{
    while (*reason) {
        int length = (int)strcspn(reason, "\n");
        fprintf(out, "reason %.*s\n", length, reason);
        reason += length + (reason[length] == '\n');
    }
}

void offer_write(const struct offer *offer, FILE *out)
{
    const struct node_plan *plan = &offer->plan;
    fprintf(out, HEAD FORM "\nhost %s\nmachine %s\nworkers %d\nmost %d\nbind %d\n", offer->host,
            offer->machine, plan->workers, plan->most, plan->bind);
    for (int i = 0; i < plan->place_count; i++)
        fprintf(out, "place %d %s\n", plan->places[i].numa_node, plan->places[i].cpus);
    write_reason(plan->reason, out);
    for (int i = 0; i < offer->tree.count; i++) {
        const struct node_object *object = &offer->tree.object[i];
        fprintf(out, "object %d %s %d %d\n", object->depth, node_kind_names[object->kind], object->index,
                object->worker);
    }
    fprintf(out, "end\n");
}

/* ---- Reading ----------------------------------------------------------------------------- */

/* Each takes what stands behind its word; false: that is not what an offer says. */
typedef bool take(struct offer *offer, const char *text);

static bool take_number(const char **text, long least, long most, int *number)
{
    char *end;
    errno = 0;
    long value = strtol(*text, &end, 10);
    if (end == *text || errno || value < least || value > most || (*end && *end != ' '))
        return false;
    *number = (int)value;
    *text = end + (*end == ' ');
    return true;
}

static bool take_text(char **field, const char *text)
{
    free(*field);
    *field = strdup(text);
    return *field && *text;
}

static bool take_host(struct offer *offer, const char *text)
{
    return take_text(&offer->host, text);
}

static bool take_machine(struct offer *offer, const char *text)
{
    return take_text(&offer->machine, text);
}

static bool take_workers(struct offer *offer, const char *text)
{
    return take_number(&text, 1, INT_MAX, &offer->plan.workers) && !*text;
}

static bool take_most(struct offer *offer, const char *text)
{
    return take_number(&text, 1, INT_MAX, &offer->plan.most) && !*text;
}

static bool take_bind(struct offer *offer, const char *text)
{
    int bind = 0;
    bool taken = take_number(&text, 0, 1, &bind) && !*text;
    offer->plan.bind = bind;
    return taken;
}

static bool take_place(struct offer *offer, const char *text)
{
    struct node_plan *plan = &offer->plan;
    struct node_place place = {0};
    if (!take_number(&text, -1, INT_MAX, &place.numa_node) || !*text || text[strspn(text, "0123456789-,")])
        return false;
    struct node_place *larger = realloc(plan->places, ((size_t)plan->place_count + 1) * sizeof *larger);
    if (!larger)
        return false;
    plan->places = larger;
    place.cpus = strdup(text);
    larger[plan->place_count] = place;
    plan->place_count += place.cpus != NULL;
    return place.cpus;
}

static bool take_reason(struct offer *offer, const char *text)
{
    char *before = offer->plan.reason;
    int length = asprintf(&offer->plan.reason, "%s%s%s", before ? before : "", before ? "\n" : "", text);
    free(before);
    if (length < 0)
        offer->plan.reason = NULL;
    return length >= 0;
}

static bool take_object(struct offer *offer, const char *text)
{
    struct node_object object = {0};
    int kind = 0;
    if (offer->tree.count >= OBJECTS_MAX || !take_number(&text, 0, NODE_KINDS - 1, &object.depth))
        return false;
    size_t length = strcspn(text, " ");
    while (kind < NODE_KINDS &&
           (strlen(node_kind_names[kind]) != length || strncmp(text, node_kind_names[kind], length) != 0))
        kind++;
    text += length + (text[length] == ' ');
    object.kind = (enum node_kind)kind;
    return kind < NODE_KINDS && take_number(&text, -1, INT_MAX, &object.index) &&
           take_number(&text, NODE_FORBIDDEN, INT_MAX, &object.worker) && !*text &&
           node_tree_add(&offer->tree, object);
}

static const struct {
    const char *word;
    take *take;
} words[] = {
    {"host", take_host}, {"machine", take_machine}, {"workers", take_workers}, {"most", take_most},
    {"bind", take_bind}, {"place", take_place},     {"reason", take_reason},   {"object", take_object},
};

static bool take_line(struct offer *offer, char *line)
{
    char *text = strchr(line, ' ');
    if (!text)
        return false;
    *text++ = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(line, words[i].word) == 0)
            return words[i].take(offer, text);
    return false;
}

static bool is_whole(const struct offer *offer)
{
    const struct node_plan *plan = &offer->plan;
    return offer->host && offer->machine && plan->reason && plan->most && plan->workers >= 1 &&
           plan->place_count == (plan->bind ? plan->workers : 1);
}

/* The line behind the first that says HEAD; NULL: there is none. */
static char *find_head(char *text, rp_status *status)
{
    char *head = strstr(text, HEAD);
    *status = head ? RP_MISMATCH : RP_INVALID;
    if (!head || strncmp(head + strlen(HEAD), FORM "\n", strlen(FORM "\n")) != 0)
        return NULL;
    *status = RP_OK;
    return head + strlen(HEAD FORM "\n");
}

rp_status offer_read(char *text, struct offer *offer, struct error *error)
{
    struct offer read = {0};
    rp_status status;
    char *line = find_head(text, &status);
    if (status == RP_MISMATCH)
        return error_set(error, status, "its rankpool is of another version: install the same on all nodes");
    bool ended = false, fine = line;
    while (fine && line && !ended) {
        char *end = strchr(line, '\n');
        fine = end;
        if (end)
            *end = '\0';
        ended = fine && strcmp(line, "end") == 0;
        fine = ended || (fine && take_line(&read, line));
        line = end ? end + 1 : NULL;
    }
    if (fine && ended && is_whole(&read)) {
        *offer = read;
        return RP_OK;
    }
    offer_free(&read);
    return error_set(error, RP_INVALID, "what it said of itself is not what rankpool says");
}
