#include "api/last_error.h"

struct error *api_error(void)
{
    static _Thread_local struct error error;
    return &error;
}
