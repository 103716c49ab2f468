/* The identity of an ELF module: a 64-bit digest (FNV-1a) of its GNU build-id, the note that the
 * linker derives from the module's contents. The same file gives the same digest in every process
 * and on every host; another build gives another one. FUNC_NO_ID means that there is no such note:
 * the module was linked with --build-id=none, or by a linker that makes one only when asked.
 *
 * Pure but for func_note_file, which reads a file without running anything of it. */
#ifndef RANKPOOL_FUNC_NOTE_H
#define RANKPOOL_FUNC_NOTE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define FUNC_NO_ID UINT64_C(0)

/* The digest of the build-id among `size` bytes of ELF notes, or FUNC_NO_ID. `align` is that of
 * the notes' segment (p_align). Broken notes are read as none; nothing beyond `size` is read. */
uint64_t func_note_digest(const void *notes, size_t size, size_t align);

/* The digest of the ELF file at `path`, FUNC_NO_ID if it has no build-id. RP_MISMATCH where the
 * file cannot be read or is no module of this machine's kind. */
rp_status func_note_file(const char *path, uint64_t *id, struct error *error);

#endif
