#define _GNU_SOURCE
#include "cli/doctor.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/draw.h"
#include "cli/json.h"
#include "cli/where.h"

/* ---- Arguments --------------------------------------------------------------------------- */

struct visit {
    struct where where;
    const char *program;
    bool json;
};

enum { KEY_JSON = 300 };

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "write JSON instead of lines", 0},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct visit *visit = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &visit->where;
        return 0;
    case KEY_JSON:
        visit->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (visit->program)
            argp_error(state, "doctor takes one program, not \"%s\" too", value);
        visit->program = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char about[] =
    "Checks what goes wrong in practice, on each node of the batch system's allocation, of the hosts named, "
    "or on "
    "this machine, and between them; a line for each check, with the mend. With PROG also whether that is "
    "the same "
    "everywhere, and goes with the launcher.\v"
    "The exit status is 0 where nothing is wrong (notes are not), 1 where something is, and 64 for wrong "
    "arguments.";

/* ---- What is looked at ------------------------------------------------------------------- */

/* In PATH where its name has no slash, as a shell would find it. */
static rp_status find_program(const char *name, char path[PATH_MAX], struct error *error)
{
    const char *places = strchr(name, '/') ? "" : getenv("PATH");
    char tried[PATH_MAX];
    struct stat file;
    for (; places && *places; places += *places == ':') {
        size_t length = strcspn(places, ":");
        if (snprintf(tried, sizeof tried, "%.*s/%s", (int)length, places, name) < PATH_MAX &&
            stat(tried, &file) == 0 && S_ISREG(file.st_mode) && realpath(tried, path))
            return RP_OK;
        places += length;
    }
    if (realpath(name, path))
        return RP_OK;
    return error_set(error, RP_LAUNCH, "there is no program %s here", name);
}

/* Beside rankpool, as it is built, or where it is installed. */
static void find_trial(const char *command, char path[PATH_MAX])
{
    int length = (int)(strrchr(command, '/') - command);
    if (snprintf(path, PATH_MAX, "%.*s/rankpool-trial", length, command) < PATH_MAX &&
        access(path, X_OK) == 0)
        return;
    if (snprintf(path, PATH_MAX, "%.*s/../libexec/rankpool/rankpool-trial", length, command) >= PATH_MAX)
        *path = '\0';
}

static rp_status examine(struct doctor *doctor, const struct visit *visit, struct error *error)
{
    rp_status status = doctor_ask(doctor, error);
    if (!status) {
        doctor_examine(doctor);
        status = doctor_connect(doctor, error);
    }
    if (!status)
        status = doctor_try(doctor, error);
    if (!status && doctor->findings.short_of_memory)
        status = error_set(error, RP_NO_MEMORY, "no memory for what was found");
    if (!status && visit->json)
        status = findings_print_json(&doctor->findings, stdout, error);
    else if (!status)
        findings_print(&doctor->findings, draw_style_of(stdout).colour, stdout);
    return status;
}

static rp_status see(const struct visit *visit, const struct allocation *allocation, const char *command,
                     const char *mpirun, bool *healthy, struct error *error)
{
    char program[PATH_MAX], trial[PATH_MAX];
    const struct hosts *hosts = &allocation->hosts;
    struct doctor doctor = {.means = allocation->means,
                            .command = command,
                            .mpirun = mpirun,
                            .program = program,
                            .trial = trial,
                            .patience_s = visit->where.patience_s,
                            .request = visit->where.request,
                            .node = calloc((size_t)hosts->count, sizeof *doctor.node),
                            .count = hosts->count};
    rp_status status =
        doctor.node ? RP_OK : error_set(error, RP_NO_MEMORY, "no memory for %d nodes", doctor.count);
    for (int i = 0; !status && i < doctor.count; i++)
        doctor.node[i] = (struct doctor_node){.host = hosts->one[i].name, .slots = hosts->one[i].slots};
    find_trial(command, trial);
    if (*allocation->left)
        findings_add(&doctor.findings, "nodes", FOUND_NOTED, NULL,
                     "call it in the batch script, or in salloc's shell", "%.*s",
                     (int)strcspn(allocation->left, "\n"), allocation->left);
    if (!status)
        status = find_program(visit->program ? visit->program : trial, program, error);
    if (!status)
        status = examine(&doctor, visit, error);
    doctor_part(&doctor);
    *healthy = !findings_have(&doctor.findings, FOUND_WRONG);
    for (int i = 0; doctor.node && i < doctor.count; i++)
        list_free(&doctor.node[i].facts);
    free(doctor.node);
    findings_free(&doctor.findings);
    return status;
}

int command_doctor(int count, char **arguments)
{
    static const struct argp_child children[] = {{&where_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {options, parse, "[PROG]", about, children, NULL, NULL};
    struct visit visit = {0};
    struct allocation allocation;
    char command[PATH_MAX], mpirun[PATH_MAX];
    struct error error;
    bool healthy = false;
    if (where_begin(&visit.where, &error))
        return command_fail(&error);
    int ended = command_read(&argp, count, arguments, NULL, &visit);
    if (ended >= 0)
        return ended;
    if ((visit.json && json_check(&error)) || where_name(&visit.where, &allocation, command, mpirun, &error))
        return command_fail(&error);
    rp_status status = see(&visit, &allocation, command, mpirun, &healthy, &error);
    allocation_free(&allocation);
    return status ? command_fail(&error) : healthy ? EXIT_SUCCESS : EXIT_FAILURE;
}
