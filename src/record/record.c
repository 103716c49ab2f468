#include <assert.h>

#include "record/event.h"

void record_listen(struct recorder *recorder, const struct record_ops *ops, void *state)
{
    assert(recorder->count < RECORD_LISTENERS);
    recorder->listeners[recorder->count].ops = ops;
    recorder->listeners[recorder->count].state = state;
    recorder->count++;
}

void record_event(struct recorder *recorder, const struct record_event *event)
{
    for (unsigned i = 0; i < recorder->count; i++)
        recorder->listeners[i].ops->event(recorder->listeners[i].state, event);
}

void record_close(struct recorder *recorder)
{
    for (unsigned i = 0; i < recorder->count; i++)
        if (recorder->listeners[i].ops->close)
            recorder->listeners[i].ops->close(recorder->listeners[i].state);
    *recorder = (struct recorder){.count = 0};
}
