/* Says how many workers it has. */
#include <rankpool/rankpool.h>

#include <stdio.h>

int main(void)
{
    rp_pool *pool;
    if (rp_open(NULL, &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), 1;
    printf("%d worker%s\n", rp_workers(pool), rp_workers(pool) == 1 ? "" : "s");
    return rp_close(&pool) != RP_OK;
}
