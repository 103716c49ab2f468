/* What a user reads of failures. */
#include "run/describe.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

static const char *describe(rp_status status, int worker, int attempt, const char *said)
{
    static char text[FAILURE_LENGTH];
    struct crew *crew = crew_alone("node7", "0", 0);
    REQUIRE(crew);
    crew->member[1].pid = 4711;
    struct note note = {.status = status, .code = -9, .size = said ? strlen(said) : 0};
    describe_failure(&(struct failure){"item", 12, &note, said, worker, attempt}, crew, text);
    crew_drop(crew);
    return text;
}

TEST_CASE(a_failure_is_described_with_all_that_helps)
{
    CHECK_STR(describe(RP_TASK_FAILED, 1, 2, "too hot"),
              "item 12 failed with code -9 on worker 1 (node7, process 4711), attempt 2: too hot");
    CHECK_STR(describe(RP_TASK_FAILED, 1, 1, NULL),
              "item 12 failed with code -9 on worker 1 (node7, process 4711), attempt 1");
}

TEST_CASE(each_way_to_fail_has_its_own_words)
{
    CHECK_HAS(describe(RP_TASK_CRASHED, 1, 1, "it fell"), "item 12 crashed on worker 1 (node7");
    CHECK_HAS(describe(RP_TASK_TIMEOUT, 1, 1, NULL), "item 12 ran too long on worker 1 ");
    CHECK_HAS(describe(RP_WORKER_LOST, 1, 3, NULL), "item 12 was lost with worker 1 ");
    CHECK_HAS(describe(RP_MISMATCH, 1, 1, "unknown"), "item 12 failed on worker 1 ");
}

TEST_CASE(a_long_sentence_is_cut)
{
    char *said = malloc(5000);
    REQUIRE(said);
    memset(said, 'x', 4999);
    said[4999] = '\0';
    const char *text = describe(RP_TASK_FAILED, 1, 1, said);
    CHECK(strlen(text) < FAILURE_LENGTH && strlen(text) > SENTENCE_LENGTH);
    free(said);
}
