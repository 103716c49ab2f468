#include "record/journal_digest.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static struct journal_digest digest_of(XXH128_hash_t hash)
{
    return (struct journal_digest){hash.low64, hash.high64};
}

/* Texts and bytes have any length: their own digests stand for them. */
static struct journal_digest digest_bytes(const void *bytes, size_t size)
{
    return digest_of(XXH3_128bits(size ? bytes : "", size));
}

struct journal_digest digest_work(const struct journal_work *work, uint64_t build, uint64_t seed)
{
    struct {
        uint64_t format, build, seed, module, offset, out_size, drops, has_label;
        struct journal_digest label, common;
    } all = {1,
             build,
             seed,
             work->module,
             work->offset,
             work->out_size,
             work->drops,
             work->label != NULL,
             digest_bytes(work->label, work->label ? strlen(work->label) : 0),
             digest_bytes(work->common, work->common_size)};
    return digest_bytes(&all, sizeof all);
}

struct journal_digest digest_item(struct journal_digest work, const void *in, size_t size)
{
    struct journal_digest digest = digest_bytes(in, size);
    return (struct journal_digest){digest.low ^ work.low, digest.high ^ work.high};
}

uint64_t digest_row(uint64_t map, uint64_t item, struct journal_digest digest, const void *result,
                    size_t size)
{
    const uint64_t head[] = {map, item, digest.low, digest.high, size, result != NULL};
    return XXH3_64bits_withSeed(result && size ? result : "", result ? size : 0,
                                XXH3_64bits(head, sizeof head));
}
