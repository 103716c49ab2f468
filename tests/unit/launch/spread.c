/* Offers told from node to node, and the plan over nodes. */
#define _GNU_SOURCE
#include "check.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch/spread.h"

/* ---- Offers ------------------------------------------------------------------------------ */

static struct offer make_offer(void)
{
    struct offer offer;
    struct error error = {0};
    REQUIRE_STATUS(offer_make(&(struct node_request){.per = "thread"}, &offer, &error), RP_OK);
    return offer;
}

static char *write_offer(const struct offer *offer)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    REQUIRE(out);
    offer_write(offer, out);
    REQUIRE(fclose(out) == 0);
    return text;
}

static char *with_greeting(const char *text)
{
    char *all = NULL;
    REQUIRE(asprintf(&all, "Welcome to the cluster!\nquota: 3 %%\n%sbye\n", text) > 0);
    return all;
}

TEST_CASE(an_offer_is_read_as_it_was_made_whatever_a_login_shell_says_around_it)
{
    struct offer made = make_offer(), read;
    char *text = write_offer(&made), *said = with_greeting(text);
    struct error error = {0};
    REQUIRE_STATUS(offer_read(said, &read, &error), RP_OK);
    char *again = write_offer(&read);
    CHECK_STR(again, text);
    CHECK_INT(read.plan.workers, made.plan.workers);
    CHECK_STR(read.plan.reason, made.plan.reason);
    CHECK_INT(read.tree.count, made.tree.count);
    free(again);
    free(said);
    free(text);
    offer_free(&made);
    offer_free(&read);
}

TEST_CASE(an_offer_that_is_cut_off_anywhere_is_none)
{
    struct offer made = make_offer();
    char *text = write_offer(&made);
    for (size_t length = 0; length + 1 < strlen(text); length++) {
        struct offer read = {0};
        char *part = strndup(text, length);
        check_note("%zu bytes", length);
        CHECK(offer_read(part, &read, NULL) != RP_OK);
        free(part);
    }
    check_note("%s", "");
    free(text);
    offer_free(&made);
}

TEST_CASE(bytes_that_changed_on_the_way_never_do_harm)
{
    struct offer made = make_offer();
    char *text = write_offer(&made);
    size_t length = strlen(text);
    uint64_t state = 7;
    for (int round = 0; round < 20000; round++) {
        struct offer read;
        char *part = strdup(text);
        for (int i = 0; i < 3; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            part[(state >> 33) % length] = (char)(state >> 20);
        }
        if (!offer_read(part, &read, NULL)) {
            CHECK(read.plan.workers >= 1 && read.plan.place_count >= 1);
            offer_free(&read);
        }
        free(part);
    }
    free(text);
    offer_free(&made);
}

TEST_CASE(another_versions_offer_is_refused_as_that)
{
    char text[] = "rankpool offer 99\nhost a\nend\n";
    struct offer read;
    struct error error = {0};
    CHECK_STATUS(offer_read(text, &read, &error), RP_MISMATCH);
    CHECK_HAS(error.text, "another version");
}

/* ---- The plan ---------------------------------------------------------------------------- */

#define NODES_MOST 4

/* Nodes a, b, c with offers of their own. */
struct stage {
    struct host host[NODES_MOST];
    struct offer offer[NODES_MOST];
    struct allocation allocation;
    struct spread spread;
    struct error error;
};

static struct stage stage_of(int count, const int *offers)
{
    static char names[NODES_MOST][2] = {"a", "b", "c", "d"};
    static struct node_place places[16] = {{"0", 0}, {"1", 0}, {"2", 0}, {"3", 0}, {"4", 0},  {"5", 0},
                                           {"6", 0}, {"7", 0}, {"8", 0}, {"9", 0}, {"10", 0}, {"11", 0}};
    struct stage stage = {.allocation = {.means = MEANS_SSH, .hosts.count = count}};
    for (int i = 0; i < count; i++) {
        stage.host[i] = (struct host){names[i], 0};
        stage.offer[i] = (struct offer){.host = names[i],
                                        .machine = names[i],
                                        .plan = {.workers = offers[i],
                                                 .most = INT_MAX,
                                                 .bind = true,
                                                 .place_count = offers[i],
                                                 .places = places}};
    }
    return stage;
}

static rp_status plan(struct stage *stage, int workers)
{
    stage->allocation.hosts.one = stage->host;
    return spread_make(&stage->allocation, stage->offer, workers, &stage->spread, &stage->error);
}

static void check_dealt(struct stage *stage, int workers, const char *dealt)
{
    char text[64] = "";
    check_note("%d workers", workers);
    REQUIRE_STATUS(plan(stage, workers), RP_OK);
    for (int i = 0; i < stage->spread.count; i++)
        sprintf(text + strlen(text), "%s%d", i ? " " : "", stage->spread.node[i].workers);
    CHECK_STR(text, dealt);
    spread_free(&stage->spread);
    check_note("%s", "");
}

TEST_CASE(each_node_gets_what_it_offers)
{
    struct stage stage = stage_of(3, (int[]){4, 1, 8});
    check_dealt(&stage, 0, "4 1 8");
}

TEST_CASE(no_node_gets_more_than_its_slots)
{
    struct stage stage = stage_of(3, (int[]){4, 4, 4});
    stage.host[1].slots = 2;
    stage.host[2].slots = 9;
    check_dealt(&stage, 0, "4 2 4");
}

TEST_CASE(workers_asked_for_fill_nodes_evenly_by_what_they_offer)
{
    struct stage stage = stage_of(3, (int[]){4, 2, 2});
    check_dealt(&stage, 1, "1 0 0");
    check_dealt(&stage, 3, "2 1 0");
    check_dealt(&stage, 4, "2 1 1");
    check_dealt(&stage, 8, "4 2 2");
}

TEST_CASE(more_than_is_offered_is_dealt_alike_and_not_bound)
{
    struct stage stage = stage_of(2, (int[]){4, 2});
    REQUIRE_STATUS(plan(&stage, 12), RP_OK);
    CHECK_INT(stage.spread.node[0].workers, 8);
    CHECK_INT(stage.spread.node[1].workers, 4);
    CHECK(!stage.spread.node[0].bind);
    CHECK_STR(spread_seat(&stage.spread.node[0], 1), "");
    spread_free(&stage.spread);
    REQUIRE_STATUS(plan(&stage, 6), RP_OK);
    CHECK_STR(spread_seat(&stage.spread.node[1], 2), "1");
    spread_free(&stage.spread);
}

TEST_CASE(memory_is_never_gone_beyond)
{
    struct stage stage = stage_of(2, (int[]){4, 4});
    stage.offer[0].plan.most = 5;
    stage.offer[1].plan.most = 6;
    check_dealt(&stage, 11, "5 6");
    CHECK_STATUS(plan(&stage, 12), RP_INVALID);
    CHECK_HAS(stage.error.text, "12 workers are asked for, but there is memory for 11 on 2 nodes");
}

TEST_CASE(one_machine_by_two_names_is_refused)
{
    struct stage stage = stage_of(2, (int[]){4, 4});
    stage.offer[1].machine = stage.offer[0].machine;
    CHECK_STATUS(plan(&stage, 0), RP_INVALID);
    CHECK_HAS(stage.error.text, "a and b are the same machine");
}
