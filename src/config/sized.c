#include "config/sized.h"

#include <string.h>

#define SIZED_MAX 4096 /* bytes; beyond it the size was never set */

static rp_status check_size(size_t size, const char *name, const char *macro, struct error *error)
{
    if (size == 0)
        return error_set(error, RP_INVALID, "%s.size is 0: fill the struct by %s(...) or %s_INIT", name,
                         macro, macro);
    if (size > SIZED_MAX || size % sizeof(size_t) != 0)
        return error_set(error, RP_INVALID,
                         "%s.size is %zu, which is no size of that struct: fill it by %s(...) or %s_INIT",
                         name, size, macro, macro);
    return RP_OK;
}

static bool any_set(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i])
            return true;
    return false;
}

rp_status sized_read(const void *given, void *copy, size_t ours, const char *name, const char *macro,
                     struct error *error)
{
    size_t size = ours;
    if (given) {
        memcpy(&size, given, sizeof size);
        rp_status status = check_size(size, name, macro, error);
        if (status)
            return status;
        if (size > ours && any_set((const unsigned char *)given + ours, size - ours))
            return error_set(
                error, RP_INVALID,
                "%s has a field set that this library, rankpool %d.%d.%d, does not know: the program was "
                "built against a newer header, or its size was not filled in by %s",
                name, RANKPOOL_VERSION_MAJOR, RANKPOOL_VERSION_MINOR, RANKPOOL_VERSION_PATCH, macro);
    }
    memset(copy, 0, ours);
    if (given)
        memcpy(copy, given, size < ours ? size : ours);
    memcpy(copy, &ours, sizeof ours);
    return RP_OK;
}
