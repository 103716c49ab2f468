/* Queues on the board: order, numbers, memory. What many do at a time stands in queue_threads.c, what
 * dies in queue_killed.c. */
#include "board/queue.h"

#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "queue_hall.h"

TEST_CASE(items_come_out_as_they_went_in_whoever_puts)
{
    struct queue_hall hall;
    hall_open(&hall, 3, 0);
    for (uint64_t i = 0; i < 1000; i++)
        CHECK_STATUS(hall_put(&hall, (int)(i % 4), i, 0), RP_OK);
    CHECK_UINT(hall_count(&hall), 1000);
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t value = 0;
        CHECK_STATUS(hall_get(&hall, (int)(i % 3), &value, 0), RP_OK);
        REQUIRE(CHECK_UINT(value, i));
    }
    CHECK_STATUS(hall_get(&hall, 1, NULL, 0), RP_TIMEOUT);
    CHECK_UINT(hall_count(&hall), 0);
    hall_close(&hall);
}

TEST_CASE(a_queue_takes_as_many_items_as_its_capacity)
{
    struct queue_hall hall;
    hall_open(&hall, 1, 3);
    for (uint64_t round = 0; round < 10; round++) {
        for (uint64_t i = 0; i < 3; i++) {
            CHECK(queue_lets_pass(&hall.crowd.board[0], hall.number, QUEUE_PUT));
            CHECK_STATUS(hall_put(&hall, 1, i, 0), RP_OK);
        }
        CHECK(!queue_lets_pass(&hall.crowd.board[0], hall.number, QUEUE_PUT));
        CHECK_STATUS(hall_put(&hall, 1, 9, 0), RP_TIMEOUT);
        for (uint64_t i = 0; i < 3; i++) {
            uint64_t value = 9;
            CHECK_STATUS(hall_get(&hall, 1, &value, 0), RP_OK);
            CHECK_UINT(value, i);
        }
        CHECK(!queue_lets_pass(&hall.crowd.board[0], hall.number, QUEUE_GET));
    }
    hall_close(&hall);
}

TEST_CASE(a_wait_ends_with_its_time)
{
    struct queue_hall hall;
    hall_open(&hall, 1, 1);
    uint64_t begun = clock_ns();
    CHECK_STATUS(hall_get(&hall, 1, NULL, clock_deadline(0.03)), RP_TIMEOUT);
    CHECK(clock_ns() - begun >= 30000000);
    CHECK_STATUS(hall_put(&hall, 1, 1, 0), RP_OK);
    begun = clock_ns();
    CHECK_STATUS(hall_put(&hall, 1, 2, clock_deadline(0.03)), RP_TIMEOUT);
    CHECK(clock_ns() - begun >= 30000000);
    hall_close(&hall);
}

/* ---- Numbers ---------------------------------------------------------------------------------- */

TEST_CASE(a_number_means_one_queue_for_ever)
{
    struct queue_hall hall;
    struct error error;
    hall_open(&hall, 1, 0);
    struct board *board = &hall.crowd.board[0];
    uint64_t old = hall.number, number;
    CHECK_STATUS(queue_check(board, old), RP_OK);
    for (unsigned bit = 0; bit < 64; bit++)
        CHECK_STATUS(queue_check(board, old ^ UINT64_C(1) << bit), RP_INVALID);
    for (int i = 0; i < 100; i++) {
        number = hall.number;
        queue_close(board, number);
        CHECK_STATUS(queue_check(board, number), RP_CLOSED);
        REQUIRE_STATUS(queue_open(board, 0, &hall.number, &error), RP_OK);
        CHECK(hall.number != number);
        CHECK_STATUS(queue_check(board, number), RP_CLOSED);
        CHECK_STATUS(queue_check(board, old), RP_CLOSED);
        CHECK_STATUS(queue_check(board, hall.number), RP_OK);
        CHECK_STATUS(hall_put(&hall, 1, 1, 0), RP_OK);
        queue_close(board, old); /* closes nothing that is open */
        CHECK_STATUS(hall_get(&hall, 1, NULL, 0), RP_OK);
    }
    hall_close(&hall);
}

TEST_CASE(there_is_room_for_so_many_queues)
{
    struct queue_hall hall;
    struct error error;
    uint64_t numbers[BOARD_QUEUES];
    hall_open(&hall, 1, 0);
    struct board *board = &hall.crowd.board[0];
    numbers[0] = hall.number;
    for (int i = 1; i < BOARD_QUEUES; i++)
        REQUIRE_STATUS(queue_open(board, 0, &numbers[i], &error), RP_OK);
    CHECK_STATUS(queue_open(board, 0, &numbers[0], &error), RP_UNSUPPORTED);
    CHECK_HAS(error.text, "256 queues are open");
    CHECK_UINT(numbers[0], hall.number);
    queue_close(board, numbers[77]);
    CHECK_STATUS(queue_open(board, 0, &numbers[77], &error), RP_OK);
    hall_close(&hall);
}

/* ---- Memory ----------------------------------------------------------------------------------- */

/* The region of member 1 has room for so many items of a size. */
static int count_room(struct queue_hall *hall, size_t size)
{
    int count = 0;
    uint64_t offsets[64];
    while (count < 64 && (offsets[count] = parcel_take(&hall->parcels[1], size)) != ARENA_NONE)
        count++;
    for (int i = 0; i < count; i++)
        parcel_give(&hall->parcels[1], offsets[i]);
    return count;
}

TEST_CASE(an_item_s_memory_is_its_owner_s_again_when_its_reader_has_let_go)
{
    enum { SIZE = 300000 };
    struct queue_hall hall;
    uint64_t item;
    hall_open(&hall, 2, 0);
    int room = count_room(&hall, SIZE);
    CHECK(room > 2 && room < 64);
    for (int i = 0; i < 2; i++)
        CHECK_STATUS(hall_put_sized(&hall, 1, SIZE, 0), RP_OK);
    CHECK_INT(count_room(&hall, SIZE), room - 2);
    CHECK_STATUS(queue_get(&hall.crowd.board[2], hall.number, &item, 0), RP_OK);
    CHECK_INT(count_room(&hall, SIZE), room - 2);
    CHECK_STATUS(queue_get(&hall.crowd.board[2], hall.number, &item, 0),
                 RP_OK); /* it lets the first one go */
    CHECK_INT(count_room(&hall, SIZE), room - 1);
    queue_let_go(&hall.crowd.board[2]);
    CHECK_INT(count_room(&hall, SIZE), room);
    queue_let_go(&hall.crowd.board[2]);
    hall_close(&hall);
}

TEST_CASE(items_of_a_queue_that_closes_and_of_a_reader_that_dies_are_given_back)
{
    enum { SIZE = 300000 };
    struct queue_hall hall;
    uint64_t item;
    hall_open(&hall, 2, 0);
    int room = count_room(&hall, SIZE);
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(hall_put_sized(&hall, 1, SIZE, 0), RP_OK);
    CHECK_STATUS(queue_get(&hall.crowd.board[2], hall.number, &item, 0), RP_OK);
    queue_close(&hall.crowd.board[0], hall.number);
    CHECK_INT(count_room(&hall, SIZE), room - 1);
    queues_shake(&hall.crowd.board[0], 2);
    CHECK_INT(count_room(&hall, SIZE), room);
    CHECK_STATUS(hall_put_sized(&hall, 1, SIZE, 0), RP_CLOSED);
    CHECK_INT(count_room(&hall, SIZE), room);
    hall_close(&hall);
}

TEST_CASE(an_item_that_is_put_back_comes_first)
{
    struct queue_hall hall;
    uint64_t item, value = 9;
    hall_open(&hall, 1, 0);
    for (uint64_t i = 0; i < 3; i++)
        CHECK_STATUS(hall_put(&hall, 1, i, 0), RP_OK);
    for (int round = 0; round < 2; round++) {
        CHECK_STATUS(queue_get(&hall.crowd.board[0], hall.number, &item, 0), RP_OK);
        queue_put_back(&hall.crowd.board[0], hall.number);
        CHECK_UINT(hall_count(&hall), 3);
    }
    for (uint64_t i = 0; i < 3; i++) {
        CHECK_STATUS(hall_get(&hall, 1, &value, 0), RP_OK);
        CHECK_UINT(value, i);
    }
    CHECK_STATUS(hall_put(&hall, 1, 5, 0), RP_OK);
    CHECK_STATUS(hall_get(&hall, 1, &value, 0), RP_OK);
    CHECK_UINT(value, 5);
    hall_close(&hall);
}
