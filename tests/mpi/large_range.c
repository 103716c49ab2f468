/* A range whose integers and numbers need 64 bits. */
#include "suite/suite.h"

static const uint64_t begin = (UINT64_C(1) << 63) - 1000;

static int compare(rp_call *call, const void *in, size_t size)
{
    uint64_t value;
    memcpy(&value, in, sizeof value);
    if (size != sizeof value || value - begin != rp_call_index(call))
        return rp_fail(call, "item %zu is %llu", rp_call_index(call), (unsigned long long)value);
    return 0;
}

static int compare_or_fail(rp_call *call, const void *in, size_t size)
{
    return rp_call_index(call) >> 32 ? rp_fail(call, "beyond") : compare(call, in, size);
}

TEST_CASE(a_range_of_more_than_2_to_the_32_integers_goes_on_beyond_2_to_the_63)
{
    check_seconds(240);
    rp_pool *pool = suite_open(NULL);
    uint64_t n = (UINT64_C(1) << 32) + 3;
    CHECK_STATUS(rp_map_range(pool, compare_or_fail, begin, begin + n, NULL, 0), RP_TASK_FAILED);
    CHECK_HAS(rp_last_error(pool), "item 4294967296 failed");
    suite_close(pool);
}
