/* func_module_path. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "func/module.h"

/* Undoes what the kernel does to names in /proc/self/maps: a newline is written "\012", and the
 * name of a file that was removed or replaced ends in " (deleted)". */
static void unescape(char *name)
{
    static const char newline[] = "\\012", deleted[] = " (deleted)";
    size_t length = strlen(name);
    if (length >= sizeof deleted - 1 && strcmp(name + length - (sizeof deleted - 1), deleted) == 0)
        name[length - (sizeof deleted - 1)] = '\0';
    for (char *at = name; (at = strstr(at, newline)); at++) {
        *at = '\n';
        memmove(at + 1, at + sizeof newline - 1, strlen(at + sizeof newline - 1) + 1);
    }
}

/* The file mapped at `address`, or "" where it is none. */
static void name_line(char *line, uintptr_t address, char path[FUNC_PATH_MAX])
{
    uintptr_t begin, end;
    int name = 0;
    path[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %*s %n", &begin, &end, &name) < 2 || !name)
        return;
    if (address < begin || address >= end || line[name] != '/')
        return;
    unescape(line + name);
    if (strlen(line + name) < FUNC_PATH_MAX)
        strcpy(path, line + name);
}

/* Where the loader's own name is no path ("" for the program, "./plugin.so" once the program has
 * changed its directory), the kernel knows. */
static bool path_of_mapping(uintptr_t address, char path[FUNC_PATH_MAX])
{
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps)
        return false;
    char *line = NULL;
    size_t room = 0;
    path[0] = '\0';
    while (path[0] == '\0' && getline(&line, &room, maps) > 0)
        name_line(line, address, path);
    free(line);
    fclose(maps);
    return path[0] != '\0';
}

rp_status func_module_path(uint64_t id, char path[FUNC_PATH_MAX], struct error *error)
{
    struct func_module module;
    if (!func_module_with(id, 0, &module))
        return error_set(error, RP_INVALID, "no library with build-id digest %016" PRIx64 " is loaded", id);
    if (module.name[0] == '/')
        strcpy(path, module.name);
    else if (!path_of_mapping(module.first, path))
        return error_set(error, RP_INVALID, "the file of %s cannot be found in /proc/self/maps",
                         module.program ? "the program" : module.name);
    return RP_OK;
}
