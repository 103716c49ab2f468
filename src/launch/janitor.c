#define _GNU_SOURCE
#include "launch/janitor.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/process.h"

/* $1 mpirun, $2 its session folder and $3 the folder that is in, as they will be; what is read before the end
 * is these two as they are, or nothing, and what names of shared memory files contain, or nothing. An mpirun
 * that has ended is not awaited any longer: process 1, which is its parent by now, may take its time with
 * that, or never do it. Few pauses, since each is a process to be started. */
static const char script[] =
    "session=$2 folder=$3 names=\n"
    "if IFS= read -r said\n"
    "then session=$said; IFS= read -r folder; IFS= read -r names; read -r end; fi\n"
    "for pause in 0.1 0.1 0.2 0.2 0.4 0.4 0.6\n"
    "do read -r pid name state rest </proc/$1/stat && [ $state != Z ] || break; sleep $pause; done\n"
    "kill -9 -$1 2>/dev/null\n"
    "[ -z \"$session\" ] || { rm -rf \"$session\"; rmdir \"$folder\" 2>/dev/null; }\n"
    "[ -z \"$names\" ] || rm -f /dev/shm/*_segment.*.$names.*\n";

/* <tmp>/ompi.<host>.<user>/pid.<mpirun>: the variable's value only where it is of that form. */
static const char *session_of(const struct mpirun *mpirun, char *const *lent)
{
    char name[32];
    snprintf(name, sizeof name, "/pid.%ld", (long)mpirun->pid);
    const char *session = list_value(lent, "PMIX_SERVER_TMPDIR"),
               *last = session ? strrchr(session, '/') : NULL;
    return last && last > session && strcmp(last, name) == 0 ? session : "";
}

static int folder_length(const char *session)
{
    return *session ? (int)(strrchr(session, '/') - session) : 0;
}

/* Where Open MPI puts that if nobody tells it otherwise. */
static void foresee_session(const struct mpirun *mpirun, char session[PATH_MAX])
{
    const char *const variables[] = {"TMPDIR", "TEMP", "TMP"};
    const char *folder = NULL;
    struct utsname machine;
    for (size_t i = 0; !folder && i < sizeof variables / sizeof *variables; i++)
        folder = getenv(variables[i]);
    int length = PATH_MAX;
    if (!uname(&machine))
        length = snprintf(session, PATH_MAX, "%s/ompi.%.*s.%u/pid.%ld", folder ? folder : "/tmp",
                          (int)strcspn(machine.nodename, "."), machine.nodename, (unsigned)getuid(),
                          (long)mpirun->pid);
    if (length >= PATH_MAX)
        *session = 0;
}

static void add_arguments(struct list *arguments, const struct mpirun *mpirun)
{
    char session[PATH_MAX];
    foresee_session(mpirun, session);
    list_add(arguments, "sh");
    list_add(arguments, "-c");
    list_add(arguments, script);
    list_add(arguments, "rankpool");
    list_addf(arguments, "%ld", (long)mpirun->pid);
    list_add(arguments, session);
    list_addf(arguments, "%.*s", folder_length(session), session);
}

static void add_environment(struct list *environment)
{
    static const char *const path[] = {"PATH=", NULL};
    for (char **item = environ; item && *item; item++)
        if (!list_has_prefix(*item, path))
            list_add(environment, *item);
    list_add(environment, "PATH=/usr/local/bin:/usr/bin:/bin");
}

rp_status janitor_start(struct janitor *janitor, const struct mpirun *mpirun, int null, struct error *error)
{
    int ends[2];
    if (mpirun_pipe(ends))
        return error_set(error, RP_LAUNCH, "no pipe to the process that cleans up: %s", strerror(errno));
    struct list arguments = {0}, environment = {0};
    add_arguments(&arguments, mpirun);
    add_environment(&environment);
    sigset_t deaf; /* to what a batch system sends to all of a job */
    sigemptyset(&deaf);
    sigaddset(&deaf, SIGTERM);
    const int streams[3] = {ends[0], null, null};
    struct process process = {
        .path = "/bin/sh",
        .arguments = arguments.items,
        .environment = environment.items,
        .directory = "/",
        .streams = streams,
        .own_group = true,
        .mask = &deaf,
    };
    rp_status status = arguments.short_of_memory || environment.short_of_memory
                           ? error_set(error, RP_NO_MEMORY, "no memory to start the process that cleans up")
                           : process_start(&process, &janitor->pid, error);
    list_free(&arguments);
    list_free(&environment);
    close(ends[0]);
    if (status)
        close(ends[1]);
    else
        janitor->life = ends[1];
    return status;
}

/* /dev/shm/vader_segment.<host>.<user>.<job>.<rank>; later versions of Open MPI say sm_segment. */
void janitor_tell(const struct janitor *janitor, const struct mpirun *mpirun)
{
    char *const *lent = mpirun->lent[0].items;
    const char *session = session_of(mpirun, lent), *job = list_value(lent, "PMIX_NAMESPACE");
    int length = folder_length(session), size;
    char *text, names[48] = "";
    if (job && *job >= '0' && *job <= '9')
        snprintf(names, sizeof names, "%u.%lx", (unsigned)getuid(), strtoul(job, NULL, 10));
    size = asprintf(&text, "%s\n%.*s\n%s\n", session, length, session, names);
    if (size < 0)
        return;
    mpirun_tell(janitor->life, text, (size_t)size);
    free(text);
}

static void bury(struct janitor *janitor)
{
    close(janitor->life);
    while (waitpid(janitor->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    janitor->pid = 0;
}

void janitor_dismiss(struct janitor *janitor)
{
    if (!janitor->pid)
        return;
    kill(janitor->pid, SIGKILL);
    bury(janitor);
}

void janitor_work(struct janitor *janitor)
{
    if (janitor->pid)
        bury(janitor);
}
