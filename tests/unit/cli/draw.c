/* Recorded machines as `rankpool topo` draws them. */
#define _GNU_SOURCE
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/draw.h"

static struct offer offer_of(const char *topology, const char *root, struct node_request request)
{
    char xml[512], below[512];
    struct node *node;
    struct offer offer = {.host = "n1", .machine = "n1"};
    struct error error = {0};
    snprintf(xml, sizeof xml, "%s/topologies/%s.xml", RANKPOOL_FIXTURES, topology);
    snprintf(below, sizeof below, "%s/roots/%s", RANKPOOL_FIXTURES, root);
    REQUIRE_STATUS(node_open(&(struct node_source){below, xml}, &node, &error), RP_OK);
    REQUIRE_STATUS(node_plan_make(node, &request, &offer.plan, &error), RP_OK);
    REQUIRE_STATUS(node_tree_make(node, &offer.plan, &offer.tree, &error), RP_OK);
    node_close(node);
    free(offer.plan.reason);
    offer.plan.reason = strdup("why");
    return offer;
}

/* The drawing without what the plan says of itself; lives until the next call. */
static const char *drawing(const char *topology, const char *root, const char *per, int workers, int width)
{
    static char text[16384];
    struct offer offer = offer_of(topology, root, (struct node_request){.per = per});
    struct spread_node node = {.host = "n1",
                               .offer = &offer,
                               .workers = workers ? workers : offer.plan.workers,
                               .bind = offer.plan.bind};
    char *all = NULL;
    size_t size;
    FILE *out = open_memstream(&all, &size);
    REQUIRE(out);
    draw_node(&node, &(struct draw_style){.width = width}, out);
    REQUIRE(fclose(out) == 0);
    const char *cores = strstr(all, "  why\n");
    REQUIRE(cores);
    snprintf(text, sizeof text, "%s", cores + strlen("  why\n"));
    free(all);
    node_plan_free(&offer.plan);
    node_tree_free(&offer.tree);
    return text;
}

TEST_CASE(both_threads_of_a_core_are_its_workers)
{
    CHECK_STR(drawing("hybrid", "two-sockets", "core", 0, 80),
              "  package 0    numa 0       l3 0         ## ## ## ## ## ## ## ## # # # # # # # # \n");
}

TEST_CASE(what_no_worker_has_is_left_free)
{
    CHECK_STR(drawing("hybrid", "two-sockets", "core", 2, 80),
              "  package 0    numa 0       l3 0         ## ## oo oo oo oo oo oo o o o o o o o o \n");
}

TEST_CASE(long_lines_go_on_below_their_first_core)
{
    const char *drawn = drawing("hybrid", "two-sockets", "core", 0, 60);
    CHECK_STR(drawn, "  package 0    numa 0       l3 0         ## ## ## ## ## ## \n"
                     "                                         ## ## # # # # # # # \n"
                     "                                         # \n");
}

TEST_CASE(workers_that_are_not_bound_move_over_all)
{
    CHECK_STR(drawing("laptop", "container-v2", "core", 0, 80),
              "  package 0    numa 0       l3 0         ~ ~ \n");
}

TEST_CASE(a_machine_without_l3_has_no_column_for_it)
{
    const char *drawn = drawing("arm-server", "two-sockets", "core", 0, 120);
    CHECK(!strstr(drawn, "l3"));
    CHECK_HAS(drawn, "# # # #");
}

TEST_CASE(a_name_stands_once_before_all_that_it_holds)
{
    const char *drawn = drawing("two-sockets", "two-sockets", "l3", 0, 80);
    int lines = 0;
    for (const char *at = drawn; *at; at++)
        lines += *at == '\n';
    CHECK_INT(lines, 16);
    CHECK(strncmp(drawn,
                  "  package 0    numa 0       l3 0         ## ## ## ## ## ## ## ## \n"
                  "                            l3 1         ## ",
                  110) == 0);
}
