#include "sched/ranking.h"

#include <stdlib.h>

#include "check.h"

TEST_CASE(the_greatest_key_comes_first_and_of_equals_the_lowest_member)
{
    struct ranking ranking;
    REQUIRE(!ranking_open(&ranking, 4));
    CHECK_INT(ranking_first(&ranking), -1);
    ranking_set(&ranking, 3, 1);
    ranking_set(&ranking, 2, 5);
    ranking_set(&ranking, 1, 5);
    CHECK_INT(ranking_first(&ranking), 1);
    ranking_set(&ranking, 1, 0);
    CHECK_INT(ranking_first(&ranking), 2);
    ranking_remove(&ranking, 2);
    ranking_remove(&ranking, 2);
    CHECK_INT(ranking_first(&ranking), 3);
    ranking_close(&ranking);
}

TEST_CASE(any_order_of_changes_leaves_the_greatest_first)
{
    enum { ROOM = 37 };
    struct ranking ranking;
    double key[ROOM];
    bool ranked[ROOM] = {false};
    REQUIRE(!ranking_open(&ranking, ROOM));
    srand(3);
    for (int round = 0; round < 20000; round++) {
        uint32_t member = (uint32_t)rand() % ROOM;
        ranked[member] = rand() % 3 != 0;
        key[member] = rand() % 20;
        if (ranked[member])
            ranking_set(&ranking, member, key[member]);
        else
            ranking_remove(&ranking, member);
        int first = -1;
        for (int i = 0; i < ROOM; i++)
            if (ranked[i] && (first < 0 || key[i] > key[first]))
                first = i;
        if (!CHECK_INT(ranking_first(&ranking), first))
            break;
    }
    ranking_close(&ranking);
}
