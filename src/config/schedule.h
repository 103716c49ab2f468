/* The schedules' names, known to the option table below and to the layer `sched` above. */
#ifndef RANKPOOL_CONFIG_SCHEDULE_H
#define RANKPOOL_CONFIG_SCHEDULE_H

#include <stdbool.h>

enum schedule {
    SCHEDULE_AUTO, /* the library chooses */
    SCHEDULE_STATIC,
    SCHEDULE_DYNAMIC,
    SCHEDULE_GUIDED,
    SCHEDULE_FACTORING,
    SCHEDULE_ADAPTIVE,
};

#define SCHEDULES (SCHEDULE_ADAPTIVE + 1) /* how many there are */

/* The names in the order of the enum, ended by NULL. */
extern const char *const schedule_names[SCHEDULES + 1];

const char *schedule_name(enum schedule schedule);

/* Returns false, and leaves *schedule alone, for a name that is none (or NULL). */
bool schedule_find(const char *name, enum schedule *schedule);

#endif
