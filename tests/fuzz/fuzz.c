#define _GNU_SOURCE
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {data, size};
    fuzz_one(&fuzz);
    return 0;
}

size_t fuzz_take(struct fuzz *fuzz, void *into, size_t size)
{
    size_t got = size < fuzz->left ? size : fuzz->left;
    memset(into, 0, size);
    if (got)
        memcpy(into, fuzz->at, got);
    fuzz->at += got;
    fuzz->left -= got;
    return got;
}

uint8_t fuzz_byte(struct fuzz *fuzz)
{
    uint8_t byte;
    fuzz_take(fuzz, &byte, sizeof byte);
    return byte;
}

uint32_t fuzz_word(struct fuzz *fuzz)
{
    uint32_t word;
    fuzz_take(fuzz, &word, sizeof word);
    return word;
}

uint32_t fuzz_below(struct fuzz *fuzz, uint32_t end)
{
    return (end <= 256 ? fuzz_byte(fuzz) : fuzz_word(fuzz)) % end;
}

void fuzz_failed(const char *file, int line, const char *held, const char *text)
{
    dprintf(2, "%s:%d: %s does not hold %s\n", file, line, held, text);
    abort();
}
