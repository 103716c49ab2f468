#define _GNU_SOURCE
#include "func/note.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTES_MAX   65536 /* bytes of notes in one segment; real ones have some hundred */
#define HEADERS_MAX 512   /* segments of one module; real ones have about ten */

static uint64_t digest(const unsigned char *bytes, size_t n)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return hash == FUNC_NO_ID ? 1 : hash;
}

static size_t round_up(size_t n, size_t align)
{
    return (n + align - 1) & ~(align - 1);
}

uint64_t func_note_digest(const void *notes, size_t size, size_t align)
{
    static const char owner[] = "GNU";
    const unsigned char *bytes = notes;
    size_t step = align == 8 ? 8 : 4; /* every other value in use means 4 */
    Elf64_Nhdr note;                  /* the same layout in 32-bit modules */

    for (size_t at = 0; at <= size && size - at >= sizeof note;) {
        memcpy(&note, bytes + at, sizeof note);
        size_t name = at + sizeof note;
        if (note.n_namesz > size - name)
            break;
        size_t data = round_up(name + note.n_namesz, step);
        if (data > size || note.n_descsz > size - data)
            break;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_descsz > 0 && note.n_namesz == sizeof owner &&
            memcmp(bytes + name, owner, sizeof owner) == 0)
            return digest(bytes + data, note.n_descsz);
        at = round_up(data + note.n_descsz, step);
    }
    return FUNC_NO_ID;
}

/* Reads exactly `size` bytes at `offset`. */
static bool read_at(int fd, void *into, size_t size, uint64_t offset)
{
    char *bytes = into;
    while (size > 0) {
        ssize_t got = pread(fd, bytes, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        bytes += got;
        size -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

static uint64_t digest_of_segment(int fd, const ElfW(Phdr) * segment)
{
    size_t size = segment->p_filesz;
    if (segment->p_type != PT_NOTE || size > NOTES_MAX)
        return FUNC_NO_ID;
    void *notes = malloc(size + 1);
    uint64_t id = FUNC_NO_ID;
    if (notes && read_at(fd, notes, size, segment->p_offset))
        id = func_note_digest(notes, size, segment->p_align);
    free(notes);
    return id;
}

static bool is_module(const ElfW(Ehdr) * header)
{
    const unsigned char native = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
    return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 && header->e_ident[EI_CLASS] == native &&
           header->e_phentsize == sizeof(ElfW(Phdr)) && header->e_phnum <= HEADERS_MAX;
}

static rp_status read_digest(int fd, const char *path, uint64_t *id, struct error *error)
{
    ElfW(Ehdr) header;
    if (!read_at(fd, &header, sizeof header, 0) || !is_module(&header))
        return error_set(error, RP_MISMATCH, "%s is no program or library of this machine", path);
    *id = FUNC_NO_ID;
    for (unsigned i = 0; i < header.e_phnum && *id == FUNC_NO_ID; i++) {
        ElfW(Phdr) segment;
        if (!read_at(fd, &segment, sizeof segment, header.e_phoff + i * sizeof segment))
            return error_set(error, RP_MISMATCH, "%s is cut off: copy or build it again", path);
        *id = digest_of_segment(fd, &segment);
    }
    return RP_OK;
}

rp_status func_note_file(const char *path, uint64_t *id, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO of that name must not hang us */
    if (fd < 0)
        return error_set(error, RP_MISMATCH, "cannot read %s: %s; it must be at this path on every host",
                         path, strerror(errno));
    uint64_t found;
    rp_status status = read_digest(fd, path, &found, error);
    close(fd);
    if (!status)
        *id = found;
    return status;
}
