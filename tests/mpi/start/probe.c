/* A program that opens a pool and tells how that went, for start.c. Arguments: workers=N sets that
 * option in the code, again opens a second time without options. BUILD tells two builds apart. */
#include <rankpool/rankpool.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int twice(rp_call *call, const void *in, size_t size)
{
    uint64_t value;
    memcpy(&value, in, size);
    value *= 2;
    return rp_return(call, &value, sizeof value);
}

static int tell(const rp_options *options)
{
    rp_pool *pool = NULL;
    rp_status status = rp_open(options, &pool);
    printf("build %d, status %d: %s\n", BUILD, (int)status, status ? rp_last_error(NULL) : "");
    if (status)
        return 3;
    uint64_t out[100], sum = 0;
    status = rp_map_range(pool, twice, 0, 100, out, sizeof *out);
    for (int i = 0; i < 100 && !status; i++)
        sum += out[i];
    printf("workers %d, sum %llu, %s\n", rp_workers(pool), (unsigned long long)sum, rp_describe(pool));
    return rp_close(&pool) == RP_OK ? 0 : 4;
}

int main(int argc, char **argv)
{
    rp_options options = RP_OPTIONS_INIT;
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "workers=", 8) == 0)
            options.workers = atoi(argv[i] + 8);
    int code = tell(&options);
    return argc > 1 && strcmp(argv[argc - 1], "again") == 0 ? tell(NULL) : code;
}
