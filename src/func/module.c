#define _GNU_SOURCE
#include "func/module.h"

#include <link.h>
#include <stdio.h>
#include <string.h>

#include "func/note.h"

/* A walk over the loaded modules, ended by the first that fits. */
struct walk {
    bool (*fits)(struct walk *walk, const struct dl_phdr_info *info);
    uintptr_t address;
    uint64_t id;
    uint64_t offset;
    const char *name;
    struct func_module *module; /* filled in for the module that fits; may be NULL */
    size_t visited;
};

static uintptr_t segment_begin(const struct dl_phdr_info *info, const ElfW(Phdr) * segment)
{
    return info->dlpi_addr + segment->p_vaddr;
}

/* The loaded segment with all of `flags` that holds `size` bytes at `address`, or NULL. */
static const ElfW(Phdr) *
    segment_with(const struct dl_phdr_info *info, uintptr_t address, size_t size, ElfW(Word) flags)
{
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t into = address - segment_begin(info, segment); /* wraps below the segment */
        if (segment->p_type == PT_LOAD && (segment->p_flags & flags) == flags && into < segment->p_memsz &&
            size <= segment->p_memsz - into)
            return segment;
    }
    return NULL;
}

/* Reads the notes where they are mapped; a tool may have left notes that are not. */
static uint64_t id_of(const struct dl_phdr_info *info)
{
    uint64_t id = FUNC_NO_ID;
    for (unsigned i = 0; i < info->dlpi_phnum && id == FUNC_NO_ID; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t begin = segment_begin(info, segment);
        if (segment->p_type == PT_NOTE && segment_with(info, begin, segment->p_memsz, PF_R))
            id = func_note_digest((const void *)begin, segment->p_memsz, segment->p_align);
    }
    return id;
}

static uintptr_t first_address(const struct dl_phdr_info *info)
{
    for (unsigned i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD)
            return segment_begin(info, &info->dlpi_phdr[i]);
    return 0;
}

static void note_segment(struct func_module *module, const struct dl_phdr_info *info, uintptr_t address)
{
    const ElfW(Phdr) *segment = segment_with(info, address, 1, PF_X);
    module->code = segment != NULL;
    if (segment)
        module->segment = (struct func_segment){
            .module = module->id,
            .base = info->dlpi_addr,
            .begin = segment_begin(info, segment),
            .end = segment_begin(info, segment) + segment->p_memsz,
            .program = module->program,
        };
}

static int visit(struct dl_phdr_info *info, size_t size, void *state)
{
    struct walk *walk = state;
    bool first = walk->visited++ == 0; /* dl_iterate_phdr begins with the main program */
    (void)size;
    if (!walk->fits(walk, info))
        return 0;
    if (walk->module) {
        walk->module->id = id_of(info);
        walk->module->program = first;
        snprintf(walk->module->name, sizeof walk->module->name, "%s", first ? "" : info->dlpi_name);
        walk->module->first = first_address(info);
        note_segment(walk->module, info, walk->address);
    }
    return 1;
}

static bool holds_address(struct walk *walk, const struct dl_phdr_info *info)
{
    return segment_with(info, walk->address, 1, 0) != NULL;
}

bool func_module_at(uintptr_t address, struct func_module *module)
{
    struct walk walk = {.fits = holds_address, .address = address, .module = module};
    return dl_iterate_phdr(visit, &walk);
}

static bool has_id(struct walk *walk, const struct dl_phdr_info *info)
{
    walk->address = info->dlpi_addr + walk->offset;
    return id_of(info) == walk->id;
}

bool func_module_with(uint64_t id, uint64_t offset, struct func_module *module)
{
    struct walk walk = {.fits = has_id, .id = id, .offset = offset, .module = module};
    return id != FUNC_NO_ID && dl_iterate_phdr(visit, &walk);
}

static bool is_any(struct walk *walk, const struct dl_phdr_info *info)
{
    (void)walk, (void)info;
    return true;
}

void func_module_program(struct func_module *module)
{
    struct walk walk = {.fits = is_any, .module = module};
    dl_iterate_phdr(visit, &walk);
}

static bool has_name(struct walk *walk, const struct dl_phdr_info *info)
{
    return strcmp(info->dlpi_name, walk->name) == 0;
}

bool func_module_named(const char *name)
{
    struct walk walk = {.fits = has_name, .name = name};
    return dl_iterate_phdr(visit, &walk);
}

static int read_removals(struct dl_phdr_info *info, size_t size, void *removals)
{
    (void)size;
    *(uint64_t *)removals = info->dlpi_subs;
    return 1;
}

uint64_t func_module_removals(void)
{
    uint64_t removals = 0;
    dl_iterate_phdr(read_removals, &removals);
    return removals;
}
