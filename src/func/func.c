#include "func/func.h"

#include <inttypes.h>
#include <string.h>

#include "func/load.h"
#include "func/module.h"
#include "func/note.h"

/* A pointer to data and one to a function have the same representation wherever ELF is used, but
 * ISO C converts neither into the other. */
static uintptr_t address_of(rp_fn *fn)
{
    uintptr_t address;
    _Static_assert(sizeof address == sizeof fn, "function pointers are addresses");
    memcpy(&address, &fn, sizeof address);
    return address;
}

static rp_fn *function_at(uintptr_t address)
{
    rp_fn *fn;
    memcpy(&fn, &address, sizeof fn);
    return fn;
}

static const char *name_of(const struct func_module *module)
{
    return module->program ? "the program" : module->name;
}

/* ---- The cache. A library's slot holds only while nothing has been unloaded: one removal empties
 * them all. Additions cannot hurt, since nothing is loaded over what is there. ---- */

static bool holds(const struct func_segment *slot, uintptr_t address)
{
    return address - slot->begin < slot->end - slot->begin;
}

/* Returns false, with the libraries' slots emptied, where they could speak of the past. */
static bool cache_renew(struct func_cache *cache, uint64_t removals)
{
    if (removals == cache->removals)
        return true;
    for (unsigned i = 0; i < FUNC_CACHE_SLOTS; i++)
        if (!cache->slots[i].program)
            cache->slots[i] = (struct func_segment){0};
    cache->removals = removals;
    return false;
}

static bool still_true(struct func_cache *cache, const struct func_segment *slot)
{
    return slot->program || cache_renew(cache, func_module_removals());
}

/* `removals` was read before the segment was looked up, so that a removal in between shows. */
static void cache_add(struct func_cache *cache, const struct func_segment *segment, uint64_t removals)
{
    cache_renew(cache, removals);
    cache->slots[cache->next] = *segment;
    cache->next = (cache->next + 1) % FUNC_CACHE_SLOTS;
}

/* ---- Pointer to name ---- */

static rp_status encode_slowly(struct func_cache *cache, rp_fn *fn, struct func_ref *ref, struct error *error)
{
    struct func_module module;
    uintptr_t address = address_of(fn);
    uint64_t removals = func_module_removals();
    if (!fn)
        return error_set(error, RP_INVALID, "the function is NULL");
    if (!func_module_at(address, &module))
        return error_set(error, RP_INVALID,
                         "the function pointer %#" PRIxPTR
                         " lies outside the program and the libraries it has "
                         "loaded (heap, stack, nested function, code made at run time?): other ranks have no "
                         "such function; pass a C function of the program or of a library",
                         address);
    if (!module.code)
        return error_set(error, RP_INVALID,
                         "the function pointer %#" PRIxPTR " points to data of %s, not to code", address,
                         name_of(&module));
    if (module.id == FUNC_NO_ID)
        return error_set(error, RP_INVALID,
                         "%s has no build-id, so its functions cannot be named on other ranks: link it with "
                         "-Wl,--build-id",
                         name_of(&module));
    cache_add(cache, &module.segment, removals);
    *ref = (struct func_ref){module.id, address - module.segment.base};
    return RP_OK;
}

rp_status func_encode(struct func_cache *cache, rp_fn *fn, struct func_ref *ref, struct error *error)
{
    uintptr_t address = address_of(fn);
    for (unsigned i = 0; i < FUNC_CACHE_SLOTS; i++) {
        const struct func_segment *slot = &cache->slots[i];
        if (!holds(slot, address))
            continue;
        if (!still_true(cache, slot))
            break;
        *ref = (struct func_ref){slot->module, address - slot->base};
        return RP_OK;
    }
    return encode_slowly(cache, fn, ref, error);
}

/* ---- Name to pointer ---- */

static rp_status find_or_load(struct func_ref ref, const char *path, struct func_module *module,
                              struct error *error)
{
    if (func_module_with(ref.module, ref.offset, module))
        return RP_OK;
    if (!path)
        return error_set(error, RP_MISMATCH,
                         "a task's function is in a library (build-id digest %016" PRIx64
                         ") that this process "
                         "has not loaded, and its path is not known",
                         ref.module);
    rp_status status = func_load(ref.module, path, error);
    if (!status && !func_module_with(ref.module, ref.offset, module))
        status = error_set(error, RP_MISMATCH,
                           "%s was overwritten while it is loaded: start the program again, and replace "
                           "libraries by a new file rather than in place",
                           path);
    return status;
}

static rp_status decode_slowly(struct func_cache *cache, struct func_ref ref, const char *path, rp_fn **fn,
                               struct error *error)
{
    struct func_module module;
    uint64_t removals = func_module_removals();
    rp_status status = find_or_load(ref, path, &module, error);
    if (status)
        return status;
    if (!module.code)
        return error_set(error, RP_MISMATCH,
                         "a task's function was named as offset %#" PRIx64
                         " of %s, where there is no code: the "
                         "message that named it is damaged",
                         ref.offset, name_of(&module));
    cache_add(cache, &module.segment, removals);
    *fn = function_at(module.segment.base + ref.offset);
    return RP_OK;
}

rp_status func_decode(struct func_cache *cache, struct func_ref ref, const char *path, rp_fn **fn,
                      struct error *error)
{
    for (unsigned i = 0; i < FUNC_CACHE_SLOTS; i++) {
        const struct func_segment *slot = &cache->slots[i];
        if (slot->module != ref.module || !holds(slot, slot->base + ref.offset))
            continue;
        if (!still_true(cache, slot))
            break;
        *fn = function_at(slot->base + ref.offset);
        return RP_OK;
    }
    return decode_slowly(cache, ref, path, fn, error);
}

uint64_t func_program(struct error *error)
{
    struct func_module program;
    func_module_program(&program);
    if (program.id == FUNC_NO_ID)
        error_set(
            error, RP_INVALID,
            "the program has no build-id, so ranks cannot tell whether they run the same build: link it "
            "with -Wl,--build-id");
    return program.id;
}
