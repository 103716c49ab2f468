/* What a program calls, told from its file. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch/callee.h"
#include "launch/list.h"

/* A file of these bytes; the answer, and it is gone. */
static enum callee callee_of_bytes(const char *bytes, size_t size)
{
    char path[] = "/tmp/rankpool-test-XXXXXX";
    int file = mkstemp(path);
    REQUIRE(file >= 0 && write(file, bytes, size) == (ssize_t)size && close(file) == 0);
    enum callee callee = callee_of(path);
    unlink(path);
    return callee;
}

TEST_CASE(what_is_no_elf_file_calls_nothing)
{
    CHECK_INT(callee_of_bytes("#!/bin/sh\nrp_open\n", 18), CALLEE_MPI);
    CHECK_INT(callee_of_bytes("", 0), CALLEE_MPI);
    CHECK_INT(callee_of("/nowhere"), CALLEE_MPI);
    CHECK_INT(callee_of("/"), CALLEE_MPI);
}

TEST_CASE(an_elf_file_without_pools_is_for_mpirun)
{
    CHECK_INT(callee_of("/bin/sh"), CALLEE_MPI);
}

TEST_CASE(a_file_that_is_cut_off_or_damaged_is_read_without_harm)
{
    size_t size;
    char *bytes = list_read_file("/bin/sh", &size);
    REQUIRE(bytes && size > 4096);
    for (size_t length = 0; length < size; length += size / 60 + 1)
        callee_of_bytes(bytes, length);
    uint64_t state = 11;
    for (int round = 0; round < 300; round++) {
        char head[64];
        memcpy(head, bytes, sizeof head);
        for (int i = 0; i < 3; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            bytes[16 + (state >> 33) % 48] = (char)(state >> 20);
        }
        callee_of_bytes(bytes, size);
        memcpy(bytes, head, sizeof head);
    }
    free(bytes);
}
