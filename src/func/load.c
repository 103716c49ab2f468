#define _GNU_SOURCE
#include "func/load.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "func/module.h"
#include "func/note.h"

static rp_status check_build(uint64_t id, const char *path, struct error *error)
{
    uint64_t found;
    rp_status status = func_note_file(path, &found, error);
    if (status)
        return status;
    if (found == FUNC_NO_ID)
        return error_set(
            error, RP_MISMATCH,
            "%s has no build-id, so it cannot be told whether it is the manager's build: link it "
            "with -Wl,--build-id",
            path);
    if (found != id)
        return error_set(
            error, RP_MISMATCH,
            "%s is another build here than in the manager's process: give all ranks the same file, "
            "and start the program again after rebuilding it",
            path);
    return RP_OK;
}

/* Spells `path` so that no loaded module goes by that name ("dir/file", "dir/./file", ...). The
 * loader answers a name it knows with the module that had it first, and when a plugin was rebuilt
 * and loaded again, that one is the older build. */
static bool spell_afresh(const char *path, char fresh[FUNC_PATH_MAX])
{
    const char *file = strrchr(path, '/') + 1;
    size_t folder = (size_t)(file - path);
    size_t length = strlen(path);
    if (length >= FUNC_PATH_MAX)
        return false;
    memcpy(fresh, path, length + 1);
    while (func_module_named(fresh)) {
        if (length + 2 >= FUNC_PATH_MAX)
            return false;
        memmove(fresh + folder + 2, fresh + folder, length - folder + 1);
        memcpy(fresh + folder, "./", 2);
        length += 2;
    }
    return true;
}

rp_status func_load(uint64_t id, const char *path, struct error *error)
{
    char name[FUNC_PATH_MAX];
    if (path[0] != '/')
        return error_set(error, RP_MISMATCH, "the library path \"%s\" is not absolute", path);
    rp_status status = check_build(id, path, error);
    if (status)
        return status;
    if (!spell_afresh(path, name))
        return error_set(error, RP_MISMATCH, "the path %s is too long", path);
    /* RTLD_NOW: a symbol that is missing here is told now, not in the middle of a task. RTLD_LOCAL:
     * two builds of one plugin define the same symbols, and each must find its own. The handle is
     * dropped on purpose: tasks may come back to the module as long as the process lives. */
    if (!dlopen(name, RTLD_NOW | RTLD_LOCAL))
        return error_set(error, RP_MISMATCH, "cannot load a library that a task needs: %s", dlerror());
    return RP_OK;
}
