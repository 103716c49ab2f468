#define _GNU_SOURCE
#include "workshop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

void workshop_open(struct workshop *shop)
{
    const char *parent = getenv("TMPDIR");
    snprintf(shop->folder, sizeof shop->folder, "%.40s/rankpool-func-XXXXXX", parent ? parent : "/tmp");
    REQUIRE(mkdtemp(shop->folder));
}

void workshop_close(struct workshop *shop)
{
    char line[256];
    CHECK_INT(workshop_run(line, sizeof line, "rm -r '%s' 2>&1", shop->folder), 0);
}

const char *workshop_path(const struct workshop *shop, const char *name)
{
    static char paths[16][256];
    static unsigned next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", shop->folder, name);
    return path;
}

int workshop_run(char *line, size_t size, const char *format, ...)
{
    char command[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    REQUIRE(length > 0 && (size_t)length < sizeof command);

    FILE *output = popen(command, "re");
    REQUIRE(output);
    line[0] = '\0';
    if (fgets(line, (int)size, output))
        line[strcspn(line, "\n")] = '\0';
    while (fgetc(output) != EOF)
        continue;
    int status = pclose(output);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *compiler(void)
{
    const char *named = getenv("CC");
    return named && *named ? named : "cc";
}

void workshop_plugin(const struct workshop *shop, const char *name, const char *flags)
{
    char line[256];
    const char *path = workshop_path(shop, name);
    unlink(path);
    int status =
        workshop_run(line, sizeof line,
                     "%s -fPIC -shared -Wl,--build-id -o '%s' '" RANKPOOL_FIXTURES "/func/plugin.c' %s 2>&1",
                     compiler(), path, flags);
    check_note("%s", line);
    REQUIRE(status == 0);
    check_note("%s", "");
}

bool workshop_program(const struct workshop *shop, const char *name, const char *flags)
{
    char line[256];
    return workshop_run(line, sizeof line,
                        "cd '" RANKPOOL_FIXTURES
                        "/../..' && %s -std=c11 -Wl,--build-id -Iinclude -Isrc -o '%s' "
                        "tests/fixtures/func/program.c src/func/*.c src/base/error.c %s -ldl 2>&1",
                        compiler(), workshop_path(shop, name), flags) == 0;
}
