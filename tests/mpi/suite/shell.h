/* Programs that are run as a user runs them: by a shell. */
#ifndef RANKPOOL_TESTS_MPI_SHELL_H
#define RANKPOOL_TESTS_MPI_SHELL_H

#include <stdio.h>
#include <sys/wait.h>

#include "check.h"

/* What the last one said, and how it ended: 128 and the signal, as a shell has it. */
static struct {
    char text[32768];
    int code;
} said;

/* Runs a command, which holds no ', with its errors among its words. One that hangs fails the case. */
static inline void shell_run(const char *command)
{
    char whole[4096];
    snprintf(whole, sizeof whole, "timeout -k 1 40 sh -c '%s' 2>&1", command);
    FILE *pipe = popen(whole, "r");
    REQUIRE(pipe);
    size_t length = fread(said.text, 1, sizeof said.text - 1, pipe);
    said.text[length] = '\0';
    int status = pclose(pipe);
    said.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (said.code == 124)
        CHECK_FAILED("it hung, after: %s", said.text);
}

#endif
