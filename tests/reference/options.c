#include "calls.h"

TEST_CASE(options_from_text)
{
    //! [rp_options_set]
    rp_options options = RP_OPTIONS_INIT;
    if (rp_options_set(&options, "per", "thread") || rp_options_set(&options, "memory_per_worker", "1500M"))
        fprintf(stderr, "%s\n", rp_last_error(NULL));
    //! [rp_options_set]
    CHECK_STR(options.per, "thread");
    CHECK_UINT(options.memory_per_worker, 1500u << 20);
}
