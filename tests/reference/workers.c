#include "calls.h"

TEST_CASE(a_pool_has_workers)
{
    rp_pool *pool = suite_open(NULL);
    //! [rp_workers]
    int alive = 0;
    for (int worker = 1; worker <= rp_workers(pool); worker++) {
        rp_worker_info info;
        if (rp_worker(pool, worker, &info) == RP_OK)
            alive += info.alive;
    }
    //! [rp_workers]
    CHECK_INT(alive, rp_workers(pool));
    suite_close(pool);
}

TEST_CASE(a_worker_is_known)
{
    rp_pool *pool = suite_open(NULL);
    //! [rp_worker]
    rp_worker_info info;
    if (rp_worker(pool, 1, &info))
        fprintf(stderr, "%s\n", rp_last_error(pool));
    else
        printf("worker 1 is process %ld on %s, on CPUs %s\n", info.pid, info.host, info.cpus);
    //! [rp_worker]
    CHECK(info.pid > 0);
    suite_close(pool);
}
