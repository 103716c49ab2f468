/* The sentences that refuse an option's value. */
#ifndef RANKPOOL_CONFIG_REFUSE_H
#define RANKPOOL_CONFIG_REFUSE_H

#include "base/error.h"
#include "config/table.h"

/* Who gave a value. */
enum origin { ORIGIN_CODE, ORIGIN_ENVIRONMENT, ORIGIN_TEXT };

/* RP_INVALID: the value, as text, has something wrong with it. */
rp_status refuse_value(const struct option *option, enum origin origin, const char *text, const char *wrong,
                       struct error *error);

#endif
