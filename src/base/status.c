#include <rankpool/rankpool.h>

static const char *const texts[] = {
#define TEXT(name, text) [name] = text,
    RP_STATUSES(TEXT)
#undef TEXT
};

const char *rp_strerror(rp_status status)
{
    size_t code = (size_t)status;
    return code < sizeof texts / sizeof *texts ? texts[code] : "unknown status";
}
