#define _GNU_SOURCE
#include "launch/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch/list.h"

/* Written once, before main. */
static struct program program;

__attribute__((constructor)) static void take_down(int count, char **arguments, char **environment)
{
    static char directory[PATH_MAX];
    (void)environment;
    struct list list = {0};
    for (int i = 0; i < count; i++)
        list_add(&list, arguments[i]);
    if (list.short_of_memory)
        list_free(&list);
    program.arguments = list.items;
    program.directory = getcwd(directory, sizeof directory);
}

const struct program *program_as_called(void)
{
    return &program;
}

/* By its own name, which is what ps shows; a program that was deleted or replaced since it was
 * started has none, but the kernel still has its file. */
void program_path(char path[PATH_MAX])
{
    struct stat running, named;
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (length > 0) {
        path[length] = '\0';
        if (stat("/proc/self/exe", &running) == 0 && stat(path, &named) == 0 &&
            running.st_dev == named.st_dev && running.st_ino == named.st_ino)
            return;
    }
    snprintf(path, PATH_MAX, "/proc/self/exe");
}
