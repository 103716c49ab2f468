/* Maps with the schedule static: each worker has posts of its own. */
#include "check.h"
#include "gang.h"
#include "run/map.h"

enum { ITEMS = 40 };

static void map_static(struct gang *gang, rp_fn *fn, size_t n)
{
    uint64_t in[ITEMS], out[ITEMS] = {0};
    struct error error;
    rp_map_report report;
    for (size_t i = 0; i < n; i++)
        in[i] = i;
    struct map_work work = {.fn = fn,
                            .in = in,
                            .in_size = sizeof *in,
                            .n = n,
                            .out = out,
                            .out_size = sizeof *out,
                            .schedule = SCHEDULE_STATIC};
    CHECK_STATUS(map_run(&gang->manager, &work, &report, &error), RP_OK);
    CHECK_UINT(report.done, n);
    for (size_t i = 0; i < n; i++)
        CHECK_UINT(out[i], gang_answer(i));
}

TEST_CASE(each_sleeping_worker_is_woken_for_its_share)
{
    struct gang gang;
    check_seconds(10);
    gang_start(&gang, 3, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    for (int round = 0; round < 20; round++) {
        check_note("round %d", round);
        for (int i = 1; i <= 3; i++)
            gang_await_sleep(&gang, i);
        gang_reset_tally();
        map_static(&gang, gang_square, 3);
        for (int i = 0; i < 3; i++)
            CHECK_INT(gang_tally->runner[i], gang.pid[i + 1]);
    }
    gang_end(&gang);
}

TEST_CASE(the_share_of_a_worker_that_died_before_is_for_all)
{
    struct gang gang;
    check_seconds(10);
    gang_start(&gang, 2, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    map_static(&gang, gang_square, ITEMS);
    gang_kill(&gang, 1);
    for (int round = 0; round < 3; round++)
        map_static(&gang, gang_square, ITEMS);
    gang_end(&gang);
}
