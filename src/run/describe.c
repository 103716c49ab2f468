#include "run/describe.h"

#include <stdio.h>

static const char *const verbs[] = {
    [RP_TASK_FAILED] = "failed with code",
    [RP_TASK_CRASHED] = "crashed on",
    [RP_TASK_TIMEOUT] = "ran too long on",
    [RP_WORKER_LOST] = "was lost with",
};

static const char *verb_of(uint32_t status)
{
    const char *verb = status < sizeof verbs / sizeof *verbs ? verbs[status] : NULL;
    return verb ? verb : "failed on";
}

void describe_failure(const struct failure *failure, const struct crew *crew, char text[FAILURE_LENGTH])
{
    const struct note *note = failure->note;
    const struct crew_member *member = &crew->member[failure->worker];
    size_t said = failure->said ? note->size < SENTENCE_LENGTH ? note->size : SENTENCE_LENGTH - 1 : 0;
    char code[24] = "";
    if (note->status == RP_TASK_FAILED)
        snprintf(code, sizeof code, " %d on", note->code);
    snprintf(text, FAILURE_LENGTH, "%.64s %zu %s%s worker %d (%s, process %ld), attempt %d%s%.*s",
             failure->what, failure->index, verb_of(note->status), code, failure->worker, member->host,
             member->pid, failure->attempt, said ? ": " : "", (int)said,
             said ? (const char *)failure->said : "");
}
