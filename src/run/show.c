#include "run/show.h"

#include "base/clock.h"
#include "record/event.h"

static void tell(struct manager *manager, enum record_kind kind, const char *label, size_t total, size_t done,
                 size_t failed)
{
    struct recorder *recorder = manager->setup.recorder;
    if (recorder && record_listened(recorder))
        record_event(recorder, &(struct record_event){kind, clock_ns(), label, total, done, failed});
}

void show_map_begin(struct manager *manager, const char *label, size_t n)
{
    tell(manager, RECORD_BEGIN, label, n, 0, 0);
}

void show_map(struct manager *manager, const char *label, size_t n, size_t ended, size_t failed)
{
    tell(manager, RECORD_ADVANCE, label, n, ended, failed);
}

void show_map_end(struct manager *manager, const char *label, size_t n, size_t ended, size_t failed)
{
    tell(manager, RECORD_END, label, n, ended, failed);
}

void show_tasks(struct manager *manager)
{
    size_t open = manager->queued.count + manager->posted.count;
    if (!manager->showing && !open)
        return;
    if (!manager->showing) {
        manager->showing = true;
        manager->shown_from = manager->submitted - open;
        manager->failed_from = manager->failed;
        tell(manager, RECORD_BEGIN, NULL, open, 0, 0);
        return;
    }
    size_t total = manager->submitted - manager->shown_from;
    tell(manager, open ? RECORD_ADVANCE : RECORD_END, NULL, total, total - open,
         manager->failed - manager->failed_from);
    manager->showing = open > 0;
}
