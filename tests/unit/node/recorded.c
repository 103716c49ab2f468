#define _GNU_SOURCE
#include "recorded.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

rp_status recorded_try(const char *topology, const char *root, struct node_request request,
                       struct node_plan *plan, struct error *error)
{
    char xml[512], folder[512];
    snprintf(xml, sizeof xml, "%s/topologies/%s.xml", RANKPOOL_FIXTURES, topology ? topology : "");
    snprintf(folder, sizeof folder, "%s/roots/%s", RANKPOOL_FIXTURES, root);
    struct node_source source = {.root = root[0] == '/' || root[0] == '\0' ? root : folder,
                                 .xml = topology ? xml : NULL};
    struct node *node = NULL;
    rp_status status = node_open(&source, &node, error);
    if (!status)
        status = node_plan_make(node, &request, plan, error);
    node_close(node);
    return status;
}

struct node_plan recorded_plan(const char *topology, const char *root, struct node_request request)
{
    struct node_plan plan = {0};
    struct error error = {0};
    rp_status status = recorded_try(topology, root, request, &plan, &error);
    if (status)
        CHECK_FAILED("no plan: %s", error.text);
    REQUIRE(!status);
    return plan;
}

const char *recorded_places(const struct node_plan *plan)
{
    static char text[8192];
    size_t length = 0;
    for (int worker = 1; worker <= plan->workers && length < sizeof text; worker++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", worker > 1 ? " " : "",
                                   node_plan_place(plan, worker)->cpus);
    return text;
}

/* Makes the folders that the path below `root` goes through. */
static void folders_make(char *path, const char *root)
{
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        REQUIRE(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
}

void recorded_root_make(const struct recorded_file *files, char root[RECORDED_ROOT])
{
    snprintf(root, RECORDED_ROOT, "/tmp/rankpool-root-XXXXXX");
    REQUIRE(mkdtemp(root));
    for (; files->path; files++) {
        char path[512];
        snprintf(path, sizeof path, "%s%s", root, files->path);
        folders_make(path, root);
        FILE *out = fopen(path, "w");
        REQUIRE(out);
        fputs(files->text, out);
        CHECK(fclose(out) == 0);
    }
}

static int entry_remove(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

void recorded_root_remove(const char *root)
{
    CHECK(nftw(root, entry_remove, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

int recorded_in_child(void (*body)(void))
{
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        body();
        _exit(0);
    }
    int status;
    bool exited = waitpid(child, &status, 0) == child && WIFEXITED(status);
    return exited ? WEXITSTATUS(status) : -1;
}
