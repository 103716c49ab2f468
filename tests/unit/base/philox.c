/* The known answers that were published with the generator (Random123, kat_vectors). */
#include "base/philox.h"

#include "check.h"

static void check_answer(const uint64_t counter[4], const uint64_t key[2], const uint64_t expected[4])
{
    uint64_t words[4];
    philox4x64(counter, key, words);
    for (int i = 0; i < 4; i++)
        CHECK_UINT(words[i], expected[i]);
}

TEST_CASE(philox_gives_the_published_words_for_zeros)
{
    check_answer((uint64_t[]){0, 0, 0, 0}, (uint64_t[]){0, 0},
                 (uint64_t[]){0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b});
}

TEST_CASE(philox_gives_the_published_words_for_ones)
{
    const uint64_t ones = UINT64_MAX;
    check_answer((uint64_t[]){ones, ones, ones, ones}, (uint64_t[]){ones, ones},
                 (uint64_t[]){0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0});
}

TEST_CASE(philox_gives_the_published_words_for_digits_of_pi)
{
    check_answer((uint64_t[]){0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
                 (uint64_t[]){0x452821e638d01377, 0xbe5466cf34e90c6c},
                 (uint64_t[]){0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6});
}
