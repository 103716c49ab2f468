/* The model against what can be worked out by hand. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "events.h"
#include "model.h"

#define US     1e3
#define MS     1e6
#define SECOND 1e9

/* Nothing costs anything. */
static struct model_options free_model(uint32_t levels, uint32_t nodes, uint32_t workers, uint64_t n,
                                       double task)
{
    struct model_options options = {.levels = levels, .nodes = nodes, .workers = workers};
    options.costs.bandwidth = 1e12;
    options.costs.spin = 1e12; /* nobody sleeps, nobody dozes */
    options.tasks = (struct tasks){.kind = TASKS_EQUAL, .mean = task, .n = n, .seed = 1};
    return options;
}

TEST_CASE(one_node_without_costs_reaches_the_bound)
{
    struct model_options options = free_model(0, 1, 4, 4000, MS);
    struct model_result result = model_run(&options);
    CHECK_NEAR(result.makespan, SECOND, 1);
    CHECK_NEAR(result.bound, SECOND, 1);
    CHECK_NEAR(result.efficiency, 1, 1e-9);
    options.tasks.n = 4001;
    CHECK_NEAR(model_run(&options).makespan, SECOND + MS, 1);
}

TEST_CASE(many_nodes_without_costs_reach_the_bound)
{
    for (uint32_t levels = 1; levels <= 2; levels++) {
        struct model_options options = free_model(levels, 16, 8, 128 * 1000, MS);
        struct model_result result = model_run(&options);
        check_note("levels %u, makespan %g", levels, result.makespan);
        CHECK(result.makespan >= SECOND - 1 && result.makespan <= SECOND + 10 * levels * MS);
    }
}

TEST_CASE(no_items_take_no_time)
{
    for (uint32_t levels = 0; levels <= 2; levels++) {
        struct model_options options = free_model(levels, levels ? 4 : 1, 2, 0, MS);
        CHECK_NEAR(model_run(&options).makespan, 0, 0);
    }
}

TEST_CASE(a_worker_pays_for_each_claim_and_each_item)
{
    struct model_options options = free_model(0, 1, 2, 2000, 10 * US);
    options.schedule = SCHEDULE_DYNAMIC;
    options.chunk = 10;
    options.costs.worker_claim = 5 * US;
    options.costs.worker_item = 2 * US;
    /* 100 claims of ten items each, of which 100 us are work */
    CHECK_NEAR(model_run(&options).makespan, 100 * (100 + 5 + 20) * US, 1);
}

TEST_CASE(one_item_pays_all_costs_of_its_way_once)
{
    struct model_options options = free_model(1, 1, 1, 1, MS);
    options.costs = (struct costs){.start = 200,
                                   .manager_block = 1000,
                                   .manager_message = 5000,
                                   .manager_note = 600,
                                   .manager_item = 70,
                                   .manager_node = 16,
                                   .leader_block = 2000,
                                   .leader_item = 20,
                                   .leader_note = 300,
                                   .leader_message = 4000,
                                   .message_byte = 2,
                                   .worker_claim = 800,
                                   .worker_item = 90,
                                   .latency = 10000,
                                   .bandwidth = options.costs.bandwidth,
                                   .spin = options.costs.spin};
    double bytes = 2 * (256 + 64), own = 1000 + 5000 + 600 + 70 + 16, leader = 2000 + 20 + 300 + 4000;
    double awake = MS + 200 + own + leader + 2 * 2 * bytes + 800 + 90 + 2 * 10000;
    CHECK_NEAR(model_run(&options).makespan, awake, 1);
    options.costs.wake_delay = 50 * US; /* and workers sleep at first */
    CHECK_NEAR(model_run(&options).makespan, awake + 50 * US, 1);
    options.costs.wake = 7 * US;
    CHECK_NEAR(model_run(&options).makespan, awake + 57 * US, 1);
}

TEST_CASE(leaders_that_work_alone_and_workers_beside_the_manager_reach_the_bound)
{
    struct model_options options = free_model(1, 4, 1, 4 * 1000, MS);
    options.lone = true;
    CHECK(model_run(&options).makespan <= SECOND + 10 * MS);
    options.own = 4;
    struct model_result result = model_run(&options);
    CHECK_NEAR(result.bound, SECOND / 2, 1);
    CHECK(result.makespan <= SECOND / 2 + 10 * MS);
}

TEST_CASE(who_has_no_core_of_his_own_takes_it_from_the_workers)
{
    struct model_options options = free_model(1, 2, 1, 2000, MS);
    options.costs.spin = 0;
    options.costs.manager_note = 100 * US;
    options.lone = options.separate = true;
    double apart = model_run(&options).makespan;
    options.shares = true;
    double shared = model_run(&options).makespan;
    check_note("apart %g, shared %g", apart, shared);
    CHECK_NEAR(shared - apart, 2000 * 100 * US / 2, 15 * MS);
}

TEST_CASE(a_manager_that_is_the_limit_takes_the_sum_of_its_costs)
{
    struct model_options options = free_model(1, 8, 8, 64 * 500, MS); /* 500 ms of work */
    options.separate = true;
    for (double note = 10 * US; note < 200 * US; note *= 2) {
        options.costs.manager_note = note;
        double makespan = model_run(&options).makespan;
        double limit = fmax(500 * MS, 64 * 500 * note);
        check_note("%g ns a note: makespan %g, limit %g", note, makespan, limit);
        CHECK(makespan >= limit - 1 && makespan <= 1.03 * limit + 2 * MS);
    }
}

TEST_CASE(a_link_that_is_the_limit_takes_the_time_of_its_bytes)
{
    struct model_options options = free_model(1, 2, 8, 8000, US);
    options.costs.in_size = 100000;
    options.costs.bandwidth = 1;
    double limit = 8000 * 100000.0, makespan = model_run(&options).makespan;
    CHECK(makespan >= limit && makespan <= 1.02 * limit);
}

TEST_CASE(results_of_many_nodes_come_over_one_link)
{
    struct model_options options = free_model(1, 8, 1, 8000, 100 * US);
    options.costs.out_size = 100000;
    options.costs.bandwidth = 1;
    double limit = 8000 * 100000.0, makespan = model_run(&options).makespan;
    CHECK(makespan >= limit && makespan <= 1.02 * limit);
}

TEST_CASE(a_second_level_takes_messages_off_the_manager)
{
    struct model_options options = free_model(1, 256, 4, 1024 * 50, MS);
    options.costs.manager_message = 20 * US;
    options.costs.manager_block = 20 * US;
    struct model_result one = model_run(&options);
    options.levels = 2;
    struct model_result two = model_run(&options);
    CHECK(two.messages < one.messages / 3 && two.blocks < one.blocks / 4);
    CHECK(two.manager < one.manager);
}

TEST_CASE(slow_nodes_get_less)
{
    struct model_options options = free_model(1, 4, 4, 16000, MS);
    options.slow = 1;
    struct model_result result = model_run(&options);
    CHECK_NEAR(result.bound, 16000 / 12.4 * MS, 1);
    check_note("makespan %g, bound %g, recalled %llu", result.makespan, result.bound,
               (unsigned long long)result.recalled);
    CHECK(result.makespan >= result.bound && result.makespan <= result.bound + 20 * MS);
}

TEST_CASE(a_slow_branch_gives_back_what_its_nodes_have_not_begun)
{
    struct model_options options = free_model(2, 16, 4, 2 * 64, 10 * MS);
    options.slow = 4; /* the first of four branches: two items of each of its workers take 200 ms */
    struct model_result result = model_run(&options);
    check_note("makespan %g, recalled %llu", result.makespan, (unsigned long long)result.recalled);
    CHECK(result.makespan <= 150 * MS);
}

TEST_CASE(leaders_in_the_middle_that_would_work_do_not)
{
    struct model_options options = free_model(2, 16, 1, 16 * 1000, MS);
    options.lone = true;
    struct model_result result = model_run(&options); /* 12 of 16 work */
    check_note("makespan %g", result.makespan);
    CHECK(result.makespan >= 16 * SECOND / 12 && result.makespan <= 16 * SECOND / 12 + 20 * MS);
}

TEST_CASE(far_nodes_are_kept_busy)
{
    struct model_options options = free_model(1, 2, 2, 1000, 10 * MS);
    options.costs.latency = 20 * MS;
    CHECK(model_run(&options).efficiency >= 0.9);
}

TEST_CASE(the_same_words_give_the_same_result_and_another_seed_another)
{
    struct model_options options = free_model(2, 9, 4, 5000, MS);
    options.costs = costs_usual();
    options.tasks.kind = TASKS_UNIFORM;
    struct model_result first = model_run(&options), second = model_run(&options);
    CHECK_MEM(&first, &second, sizeof first);
    options.tasks.seed = 2;
    CHECK(fabs(model_run(&options).makespan - first.makespan) > 1);
}

TEST_CASE(events_come_by_time_and_then_in_the_order_in_which_they_were_added)
{
    struct events events = {0};
    double last_time = 0;
    uint64_t last_serial = 0;
    for (uint64_t i = 0; i < 10000; i++)
        events_add(&events, (struct event){.time = (double)(int)(10 * tasks_random(3, i))});
    for (int i = 0; i < 10000; i++) {
        struct event event = events_take(&events);
        REQUIRE(i == 0 || event.time > last_time || (event.time >= last_time && event.serial > last_serial));
        last_time = event.time;
        last_serial = event.serial;
    }
    CHECK_UINT(events.count, 0);
    events_close(&events);
}

TEST_CASE(lists_have_the_mean_that_they_were_asked_for)
{
    static const char *const kinds[] = {"equal",   "uniform", "exponential", "lognormal",
                                        "falling", "rising",  "tail"};
    for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct tasks tasks = {.mean = MS, .n = 300000, .seed = 5};
        double sum = 0;
        REQUIRE(tasks_find(kinds[k], &tasks));
        for (uint64_t i = 0; i < tasks.n; i++) {
            double ns = tasks_ns(&tasks, i);
            REQUIRE(ns > 0);
            sum += ns;
        }
        check_note("%s", kinds[k]);
        CHECK_NEAR(sum / (double)tasks.n / MS, 1, 0.03);
    }
    struct tasks tasks;
    CHECK(!tasks_find("even", &tasks));
}

TEST_CASE(costs_are_read_from_words_and_files)
{
    struct costs costs = costs_usual();
    CHECK(costs_set(&costs, "manager_note=77.5"));
    CHECK_NEAR(costs.manager_note, 77.5, 0);
    CHECK(!costs_set(&costs, "manager_note"));
    CHECK(!costs_set(&costs, "manager_note=much"));
    CHECK(!costs_set(&costs, "manager_not=1"));
    char path[] = "/tmp/bench_costs_XXXXXX";
    int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    static const char text[] = "# some\n\nwake=5 measured # on a machine\nlatency=9\n";
    CHECK_INT(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    CHECK(costs_read(&costs, path));
    CHECK_NEAR(costs.wake, 5, 0);
    CHECK_NEAR(costs.latency, 9, 0);
    unlink(path);
    CHECK(!costs_read(&costs, path));
}
