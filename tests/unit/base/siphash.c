/* The answers that its authors published: the key is 0, 1, 2, ..., and so is the message. */
#include "base/siphash.h"

#include "check.h"

static const uint8_t count[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                  16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                  32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                  48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

TEST_CASE(siphash_gives_the_published_digests)
{
    CHECK_UINT(siphash(count, count, 0), UINT64_C(0x726fdb47dd0e0e31));
    CHECK_UINT(siphash(count, count, 15), UINT64_C(0xa129ca6149be45e5));
    CHECK_UINT(siphash(count, count, 63), UINT64_C(0x958a324ceb064572));
}
