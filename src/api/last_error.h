/* The sentence of the last failure that no pool can hold: of this thread. */
#ifndef RANKPOOL_API_LAST_ERROR_H
#define RANKPOOL_API_LAST_ERROR_H

#include "base/error.h"

struct error *api_error(void);

#endif
