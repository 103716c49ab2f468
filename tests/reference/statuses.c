#include "calls.h"

TEST_CASE(a_status_in_words)
{
    rp_pool *pool = suite_open(NULL);
    //! [rp_strerror]
    rp_status status = rp_close(&pool);
    if (status)
        fprintf(stderr, "rp_close: %s\n", rp_strerror(status));
    //! [rp_strerror]
    CHECK_STATUS(status, RP_OK);
    CHECK_STR(rp_strerror(status), "success");
}
