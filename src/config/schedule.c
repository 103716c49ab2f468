#include "config/schedule.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

const char *const schedule_names[SCHEDULES + 1] = {
    [SCHEDULE_AUTO] = "auto",     [SCHEDULE_STATIC] = "static",       [SCHEDULE_DYNAMIC] = "dynamic",
    [SCHEDULE_GUIDED] = "guided", [SCHEDULE_FACTORING] = "factoring", [SCHEDULE_ADAPTIVE] = "adaptive",
};

const char *schedule_name(enum schedule schedule)
{
    assert((unsigned)schedule < SCHEDULES);
    return schedule_names[schedule];
}

bool schedule_find(const char *name, enum schedule *schedule)
{
    for (unsigned i = 0; name && i < SCHEDULES; i++) {
        if (strcmp(name, schedule_names[i]) == 0) {
            *schedule = (enum schedule)i;
            return true;
        }
    }
    return false;
}
