#define _GNU_SOURCE
#include "launch/callee.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file, of which nothing is taken on trust. */
struct file {
    const unsigned char *bytes;
    size_t size;
};

/* `count` things of `size` bytes at `offset`; NULL where the file has them not. */
static const void *part(const struct file *file, size_t offset, size_t count, size_t size)
{
    bool there = offset <= file->size && size && count <= (file->size - offset) / size;
    return there && offset % sizeof(void *) == 0 ? file->bytes + offset : NULL;
}

static bool is_named(const struct file *file, const ElfW(Shdr) * names, size_t at, const char *name)
{
    size_t length = strlen(name) + 1;
    return at < names->sh_size && length <= names->sh_size - at && names->sh_offset < file->size &&
           names->sh_offset + at < file->size && length <= file->size - names->sh_offset - at &&
           memcmp(file->bytes + names->sh_offset + at, name, length) == 0;
}

/* What a table of symbols says: of libraries' are those that are not in the file. */
static void look(const struct file *file, const ElfW(Shdr) * table, const ElfW(Shdr) * names, bool theirs,
                 bool *opens, bool *opens_comm)
{
    size_t count = table->sh_size / sizeof(ElfW(Sym));
    const ElfW(Sym) *symbol = part(file, table->sh_offset, count, sizeof *symbol);
    for (size_t i = 0; symbol && i < count; i++) {
        if ((symbol[i].st_shndx == SHN_UNDEF) != theirs)
            continue;
        *opens |= is_named(file, names, symbol[i].st_name, "rp_open");
        *opens_comm |= is_named(file, names, symbol[i].st_name, "rp_open_comm");
    }
}

static enum callee judge(const struct file *file)
{
    const ElfW(Ehdr) *head = part(file, 0, 1, sizeof *head);
    if (!head || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
        head->e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
        return CALLEE_MPI;
    const ElfW(Shdr) *section = part(file, head->e_shoff, head->e_shnum, sizeof *section);
    bool opens = false, opens_comm = false, holds = false, holds_comm = false;
    for (size_t i = 0; section && i < head->e_shnum; i++) {
        if (section[i].sh_link >= head->e_shnum)
            continue;
        if (section[i].sh_type == SHT_DYNSYM)
            look(file, &section[i], &section[section[i].sh_link], true, &opens, &opens_comm);
        if (section[i].sh_type == SHT_SYMTAB)
            look(file, &section[i], &section[section[i].sh_link], false, &holds, &holds_comm);
    }
    if (opens && !opens_comm)
        return CALLEE_POOL;
    return opens_comm || holds || holds_comm ? CALLEE_MPI_POOL : CALLEE_MPI;
}

enum callee callee_of(const char *path)
{
    struct stat about;
    enum callee callee = CALLEE_MPI;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return callee;
    if (fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (bytes != MAP_FAILED) {
            callee = judge(&(struct file){bytes, (size_t)about.st_size});
            munmap(bytes, (size_t)about.st_size);
        }
    }
    close(descriptor);
    return callee;
}
