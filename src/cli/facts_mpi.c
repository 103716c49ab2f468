#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/facts.h"
#include "launch/errand.h"
#include "launch/launch.h"

#define ANSWER_S 10 /* that a program may take to say its version */

/* What the program of these words says on standard output, to be freed; NULL: nothing. */
static char *ask(const char *const *words)
{
    struct errand errand = {0};
    struct error error;
    for (; *words; words++)
        list_add(&errand.arguments, *words);
    char *said = NULL;
    if (!errands_run(&errand, 1, 1, ANSWER_S, &error) && !errand.late) {
        said = errand.said;
        errand.said = NULL;
    }
    errand_free(&errand);
    return said;
}

static void gather_launcher(struct list *facts)
{
    char path[PATH_MAX];
    if (!launch_find_mpirun(environ, path))
        return;
    list_addf(facts, "mpirun=%s", path);
    char *said = ask((const char *const[]){path, "--version", NULL});
    if (said)
        list_addf(facts, "launcher=%.*s", (int)strcspn(said, "\n"), said);
    free(said);
}

/* ---- The library that the program would load --------------------------------------------- */

/* The dynamic loader that the program names; false: it is no such program of this machine's. */
static bool find_loader(const char *program, char loader[PATH_MAX])
{
    ElfW(Ehdr) head;
    ElfW(Phdr) part;
    int file = open(program, O_RDONLY | O_CLOEXEC);
    bool found = false, fits = file >= 0 && pread(file, &head, sizeof head, 0) == (ssize_t)sizeof head &&
                               memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && head.e_phentsize == sizeof part;
    for (int i = 0; fits && !found && i < head.e_phnum; i++) {
        off_t at = (off_t)(head.e_phoff + (size_t)i * sizeof part);
        fits = pread(file, &part, sizeof part, at) == (ssize_t)sizeof part;
        if (fits && part.p_type == PT_INTERP && part.p_filesz < PATH_MAX)
            found = pread(file, loader, part.p_filesz, (off_t)part.p_offset) == (ssize_t)part.p_filesz;
        loader[found ? part.p_filesz : 0] = '\0';
    }
    if (file >= 0)
        close(file);
    return found;
}

/* From the loader's list, "\tlibmpi.so.40 => /usr/lib/libmpi.so.40 (0x7f...)": any MPI's that is called so.
 */
static bool find_library(char *list, char path[PATH_MAX])
{
    for (char *line = strtok_r(list, "\n", &list); line; line = strtok_r(NULL, "\n", &list)) {
        line += strspn(line, " \t");
        char *way = strstr(line, " => ");
        if (strncmp(line, "libmpi", strlen("libmpi")) != 0 || !way)
            continue;
        way += strlen(" => ");
        snprintf(path, PATH_MAX, "%.*s", (int)strcspn(way, " "), way);
        return *path == '/';
    }
    return false;
}

/* Its own words, up to the first comma; it may be asked before it is initialized. */
static void gather_library(const char *path, struct list *facts)
{
    enum { LONGEST = 8192 }; /* MPI_MAX_LIBRARY_VERSION_STRING of MPICH, the largest there is */
    static char version[LONGEST];
    union {
        void *object;
        int (*call)(char *version, int *length);
    } get = {NULL};
    int length;
    list_addf(facts, "library=%s", path);
    void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    if (library)
        get.object = dlsym(library, "MPI_Get_library_version");
    if (get.object && get.call(version, &length) == 0)
        list_addf(facts, "mpi=%.*s", (int)strcspn(version, ",\n"), version);
}

void facts_gather_mpi(const char *program, struct list *facts)
{
    char loader[PATH_MAX], path[PATH_MAX];
    gather_launcher(facts);
    if (!find_loader(program, loader))
        return;
    char *said = ask((const char *const[]){loader, "--list", program, NULL});
    if (said && find_library(said, path))
        gather_library(path, facts);
    free(said);
}
