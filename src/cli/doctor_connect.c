#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "cli/doctor.h"
#include "cli/facts.h"
#include "cli/listen.h"
#include "launch/errand.h"

#define ABREAST   32
#define ALL_PAIRS 32 /* nodes; of more, each tries those 1, 2, 4, ... behind it */

/* ---- What listens where ------------------------------------------------------------------ */

static bool listens(const struct doctor_node *node)
{
    return node->answers && *facts_text(&node->facts, "port");
}

/* The addresses of a node, after "NAME ". */
static const char *next_address(const struct doctor_node *node, size_t *at)
{
    while (*at < node->facts.count) {
        const char *fact = node->facts.items[(*at)++];
        if (strncmp(fact, "address=", strlen("address=")) == 0)
            return strchr(fact, ' ') + 1;
    }
    return NULL;
}

/* The words of `rankpool reach`, a place each: "NODE,ADDRESS,PORT,COOKIE". */
static void add_places(const struct doctor *doctor, int number, struct list *words)
{
    const struct doctor_node *node = &doctor->node[number];
    const char *address;
    for (size_t at = 0; (address = next_address(node, &at));)
        list_addf(words, "%d,%s,%s,%s", number, address, facts_text(&node->facts, "port"),
                  facts_text(&node->facts, "cookie"));
}

static void add_neighbours(const struct doctor *doctor, int number, struct list *words)
{
    for (int far = 1; far<doctor->count; far = doctor->count> ALL_PAIRS ? 2 * far : far + 1) {
        int other = (number + far) % doctor->count;
        if (listens(&doctor->node[other]))
            add_places(doctor, other, words);
    }
}

static void add_words(const struct doctor *doctor, int number, struct list *words)
{
    struct list command = {0};
    list_add(&command, doctor->command);
    list_add(&command, "reach");
    add_neighbours(doctor, number, &command);
    words->short_of_memory = command.short_of_memory;
    if (!command.short_of_memory)
        doctor_words(doctor, &doctor->node[number], command.items, words);
    list_free(&command);
}

/* ---- What came of it --------------------------------------------------------------------- */

static const char *const meanings[LISTEN_ANSWERS] = {[LISTEN_REFUSED] = "is refused",
                                                     [LISTEN_SILENT] = "is not answered",
                                                     [LISTEN_STRANGER] = "reaches another host"};

/* Of the places of one node: whether any is reached, and the first that is not. */
struct outcome {
    bool tried, reached;
    char address[64];
    int answer; /* LISTEN_REACHED: none failed */
};

static void judge(struct doctor *doctor, const struct doctor_node *from, const struct doctor_node *to,
                  const struct outcome *outcome, bool *fine)
{
    if (!outcome->tried || outcome->answer == LISTEN_REACHED)
        return;
    *fine = false;
    if (outcome->reached)
        findings_add(&doctor->findings, "network", FOUND_NOTED, from->host,
                     "tell mpirun which interfaces nodes share: --mca btl_tcp_if_include and --mca "
                     "oob_tcp_if_include with a subnet as in 10.0.0.0/16",
                     "a connection to %s of %s %s; to another of its addresses it is not", outcome->address,
                     to->host, meanings[outcome->answer]);
    else
        findings_add(
            &doctor->findings, "network", FOUND_WRONG, from->host,
            "let nodes connect to any port of each other: MPI takes ports as they come, as does rankpool",
            "a connection to %s (%s) %s", to->host, outcome->address, meanings[outcome->answer]);
}

/* Each fact is "NODE ADDRESS ANSWER". */
static void take(struct doctor *doctor, int number, const struct list *facts, bool *fine)
{
    struct outcome *outcomes = calloc((size_t)doctor->count, sizeof *outcomes);
    for (size_t i = 0; outcomes && i < facts->count; i++) {
        int to, answer;
        char address[64];
        if (sscanf(facts->items[i], "reach=%d %63s %d", &to, address, &answer) != 3 || to < 0 ||
            to >= doctor->count || answer < 0 || answer >= LISTEN_ANSWERS)
            continue;
        outcomes[to].tried = true;
        outcomes[to].reached |= answer == LISTEN_REACHED;
        if (answer == LISTEN_REACHED || outcomes[to].answer != LISTEN_REACHED)
            continue;
        outcomes[to].answer = answer;
        memcpy(outcomes[to].address, address, sizeof address);
    }
    for (int to = 0; outcomes && to < doctor->count; to++)
        judge(doctor, &doctor->node[number], &doctor->node[to], &outcomes[to], fine);
    free(outcomes);
}

/* It told its facts a moment ago. */
static void miss(struct doctor *doctor, const struct doctor_node *node, bool *fine)
{
    *fine = false;
    findings_add(&doctor->findings, "network", FOUND_WRONG, node->host,
                 "see whether it is still up, and call this again", "does not say whom it can connect to");
}

/* What listens is told to end, as far as it can be reached from here; the rest ends by itself. */
static void end_all(const struct doctor *doctor)
{
    struct listen_place *places = NULL;
    int count = 0;
    for (int i = 0; i < doctor->count; i++) {
        const struct doctor_node *node = &doctor->node[i];
        const char *address = "127.0.0.1";
        size_t at = 0;
        if (!listens(node) || (!hosts_is_here(node->host) && !(address = next_address(node, &at))))
            continue;
        struct listen_place *larger = realloc(places, ((size_t)count + 1) * sizeof *larger);
        if (!larger)
            break;
        places = larger;
        places[count++] = (struct listen_place){.address = address,
                                                .cookie = facts_text(&node->facts, "cookie"),
                                                .port = (int)facts_number(&node->facts, "port", 0)};
    }
    if (count)
        listen_end(places, count);
    free(places);
}

/* ---- All --------------------------------------------------------------------------------- */

static rp_status connect_all(struct doctor *doctor, struct errand *errands, struct error *error)
{
    int *of = calloc((size_t)doctor->count, sizeof *of), asked = 0;
    bool fine = true;
    if (!of)
        return error_set(error, RP_NO_MEMORY, "no memory to ask %d nodes", doctor->count);
    for (int i = 0; i < doctor->count; i++) {
        if (!doctor->node[i].answers)
            continue;
        add_words(doctor, i, &errands[asked].arguments);
        of[asked++] = i;
    }
    rp_status status = errands_run(errands, asked, ABREAST, doctor->patience_s + REACH_S, error);
    for (int i = 0; i < asked && !status; i++) {
        struct list facts = {0};
        struct error why;
        if (errands[i].said && !facts_read(errands[i].said, &facts, &why))
            take(doctor, of[i], &facts, &fine);
        else
            miss(doctor, &doctor->node[of[i]], &fine);
        list_free(&facts);
    }
    if (!status && fine)
        findings_add(&doctor->findings, "network", FOUND_FINE, NULL, NULL, "nodes connect to each other");
    free(of);
    return status;
}

rp_status doctor_connect(struct doctor *doctor, struct error *error)
{
    int answering = 0;
    for (int i = 0; i < doctor->count; i++)
        answering += doctor->node[i].answers;
    rp_status status = RP_OK;
    if (answering < 2) {
        findings_add(&doctor->findings, "network", FOUND_SKIPPED, NULL, NULL,
                     "there are no two nodes to connect");
    } else {
        struct errand *errands = calloc((size_t)doctor->count, sizeof *errands);
        status = errands ? connect_all(doctor, errands, error)
                         : error_set(error, RP_NO_MEMORY, "no memory to ask %d nodes", doctor->count);
        for (int i = 0; errands && i < doctor->count; i++)
            errand_free(&errands[i]);
        free(errands);
    }
    end_all(doctor);
    doctor_part(doctor);
    return status;
}
