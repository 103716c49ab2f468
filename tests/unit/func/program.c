/* Programs linked in every way, run as processes of their own. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "func/func.h"
#include "workshop.h"

static const struct {
    const char *name;
    const char *flags;
    bool everywhere; /* compilers can link so on any machine */
} kinds[] = {
    {"pie", "-fPIE -pie", true},
    {"no-pie", "-fno-pie -no-pie", true},
    {"one-segment", "-Wl,-z,noseparate-code", true},
    {"static", "-static", false},
    {"static-pie", "-static-pie", false},
};

TEST_CASE(a_static_function_has_one_name_in_all_processes_of_a_program)
{
    struct workshop shop;
    workshop_open(&shop);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char name[256], again[256], answer[256], program[20], module[20], offset[20];
        const char *path = workshop_path(&shop, kinds[i].name);
        check_note("%s", kinds[i].name);
        if (!workshop_program(&shop, kinds[i].name, kinds[i].flags)) {
            CHECK(!kinds[i].everywhere);
            continue;
        }
        CHECK_INT(workshop_run(name, sizeof name, "'%s'", path), 0);
        CHECK_INT(workshop_run(again, sizeof again, "'%s'", path), 0);
        CHECK_STR(again, name);
        REQUIRE(sscanf(name, "%19s %19s %19s", program, module, offset) == 3);
        CHECK_STR(module, program);
        CHECK_INT(workshop_run(answer, sizeof answer, "'%s' %s %s", path, module, offset), 0);
        CHECK_STR(answer, "42");
    }
    workshop_close(&shop);
}

TEST_CASE(another_build_of_the_program_does_not_know_the_name)
{
    struct workshop shop;
    char name[256], answer[256], module[20], offset[20];
    workshop_open(&shop);
    REQUIRE(workshop_program(&shop, "old", "-O0"));
    REQUIRE(workshop_program(&shop, "new", "-O0 -DNEW -g"));
    REQUIRE(workshop_run(name, sizeof name, "'%s'", workshop_path(&shop, "old")) == 0);
    REQUIRE(sscanf(name, "%*s %19s %19s", module, offset) == 2);
    CHECK_INT(workshop_run(answer, sizeof answer, "'%s' %s %s", workshop_path(&shop, "new"), module, offset),
              1);
    CHECK_HAS(answer, "not loaded");
    workshop_close(&shop);
}

TEST_CASE(a_program_without_build_id_is_told_how_to_link)
{
    struct workshop shop;
    char line[256];
    workshop_open(&shop);
    REQUIRE(workshop_program(&shop, "none", "-Wl,--build-id=none"));
    CHECK_INT(workshop_run(line, sizeof line, "'%s'", workshop_path(&shop, "none")), 1);
    CHECK_HAS(line, "the program has no build-id");
    CHECK_HAS(line, "-Wl,--build-id");
    workshop_close(&shop);
}
