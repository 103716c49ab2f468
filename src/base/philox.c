#include "base/philox.h"

#define ROUNDS     10
#define MULTIPLY_0 UINT64_C(0xD2E7470EE14C6C93)
#define MULTIPLY_1 UINT64_C(0xCA5A826395121157)
#define WEYL_0     UINT64_C(0x9E3779B97F4A7C15)
#define WEYL_1     UINT64_C(0xBB67AE8584CAA73B)

__extension__ typedef unsigned __int128 wide;

void philox4x64(const uint64_t counter[4], const uint64_t key[2], uint64_t out[4])
{
    uint64_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint64_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        wide p0 = (wide)MULTIPLY_0 * c0, p1 = (wide)MULTIPLY_1 * c2;
        c0 = (uint64_t)(p1 >> 64) ^ c1 ^ k0;
        c2 = (uint64_t)(p0 >> 64) ^ c3 ^ k1;
        c1 = (uint64_t)p1;
        c3 = (uint64_t)p0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}
