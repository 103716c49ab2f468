#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

rp_status error_set(struct error *error, rp_status status, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
        error->status = status;
    }
    return status;
}

void error_clear(struct error *error)
{
    error->status = RP_OK;
    error->text[0] = '\0';
}
