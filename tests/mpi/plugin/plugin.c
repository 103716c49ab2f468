/* A small shared library that a test loads after the pool was opened. PLUGIN_NUMBER makes each
 * build of it another one. */
#include <rankpool/rankpool.h>

static int answer_number(rp_call *call, const void *in, size_t size)
{
    int number = PLUGIN_NUMBER;
    (void)in, (void)size;
    return rp_return(call, &number, sizeof number);
}

/* An exported task. */
RP_API int plugin_task(rp_call *call, const void *in, size_t size);
int plugin_task(rp_call *call, const void *in, size_t size)
{
    return answer_number(call, in, size);
}

/* Gives a static one. */
RP_API rp_fn *plugin_hidden(void);
rp_fn *plugin_hidden(void)
{
    return answer_number;
}
