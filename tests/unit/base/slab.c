#include "base/slab.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { SIZE = 200, MANY = 5000 };

TEST_CASE(slab_objects_do_not_overlap_and_are_aligned)
{
    struct slab slab;
    unsigned char *objects[MANY];
    slab_init(&slab, SIZE);
    for (int i = 0; i < MANY; i++) {
        objects[i] = slab_take(&slab);
        REQUIRE(objects[i]);
        CHECK_UINT((uintptr_t)objects[i] % 16, 0);
        memset(objects[i], i & 255, SIZE);
    }
    for (int i = 0; i < MANY; i++) {
        for (int k = 0; k < SIZE; k++)
            REQUIRE(objects[i][k] == (i & 255));
        slab_give(&slab, objects[i]);
    }
    slab_fini(&slab);
}

TEST_CASE(slab_gives_out_what_was_given_back)
{
    struct slab slab;
    slab_init(&slab, SIZE);
    void *first = slab_take(&slab);
    slab_give(&slab, first);
    CHECK_PTR(slab_take(&slab), first);
    slab_give(&slab, first);
    slab_fini(&slab);
}

TEST_CASE(slab_survives_a_random_coming_and_going)
{
    struct slab slab;
    void *held[300] = {0};
    slab_init(&slab, SIZE);
    srand(7);
    for (int step = 0; step < 200000; step++) {
        int i = rand() % 300;
        if (held[i]) {
            int owner;
            memcpy(&owner, held[i], sizeof owner);
            REQUIRE(owner == i);
            slab_give(&slab, held[i]);
            held[i] = NULL;
        } else {
            held[i] = slab_take(&slab);
            REQUIRE(held[i]);
            memcpy(held[i], &i, sizeof i);
        }
    }
    for (int i = 0; i < 300; i++)
        if (held[i])
            slab_give(&slab, held[i]);
    slab_fini(&slab);
}
