#define _GNU_SOURCE
#include "func/note.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "func/func.h"
#include "workshop.h"

/* Notes as a linker lays them out, in memory of exactly their size. */
struct notes {
    unsigned char *bytes;
    size_t size;
};

static void notes_add(struct notes *notes, const char *owner, uint32_t type, const char *data, size_t length,
                      size_t align)
{
    Elf64_Nhdr head = {
        .n_namesz = (Elf64_Word)strlen(owner) + 1, .n_descsz = (Elf64_Word)length, .n_type = type};
    size_t at = notes->size;
    size_t data_at = (at + sizeof head + head.n_namesz + align - 1) & ~(align - 1);
    notes->size = (data_at + length + align - 1) & ~(align - 1);
    notes->bytes = realloc(notes->bytes, notes->size);
    REQUIRE(notes->bytes);
    memset(notes->bytes + at, 0, notes->size - at);
    memcpy(notes->bytes + at, &head, sizeof head);
    memcpy(notes->bytes + at + sizeof head, owner, strlen(owner) + 1);
    memcpy(notes->bytes + data_at, data, length);
}

static uint64_t digest_of_id(const char *id, size_t length)
{
    struct notes notes = {0};
    notes_add(&notes, "GNU", NT_GNU_BUILD_ID, id, length, 4);
    uint64_t digest = func_note_digest(notes.bytes, notes.size, 4);
    free(notes.bytes);
    return digest;
}

TEST_CASE(the_build_id_is_found_among_other_notes)
{
    const size_t aligns[] = {4, 8};
    for (size_t i = 0; i < 2; i++) {
        struct notes notes = {0};
        notes_add(&notes, "GNU", NT_GNU_ABI_TAG, "0123456789abcdef", 16, aligns[i]);
        notes_add(&notes, "stapsdt", NT_GNU_BUILD_ID, "not it", 6, aligns[i]);
        notes_add(&notes, "GNU", NT_GNU_BUILD_ID, "twenty bytes of hash", 20, aligns[i]);
        CHECK_UINT(func_note_digest(notes.bytes, notes.size, aligns[i]),
                   digest_of_id("twenty bytes of hash", 20));
        free(notes.bytes);
    }
}

TEST_CASE(another_build_id_has_another_digest)
{
    uint64_t id = digest_of_id("twenty bytes of hash", 20);
    CHECK(id != FUNC_NO_ID);
    CHECK(id != digest_of_id("twenty bytes of hasH", 20));
    CHECK(id != digest_of_id("twenty bytes of has", 19));
}

TEST_CASE(notes_without_a_build_id_have_none)
{
    struct notes notes = {0};
    CHECK_UINT(func_note_digest("", 0, 4), FUNC_NO_ID);
    notes_add(&notes, "GNU", NT_GNU_ABI_TAG, "0123456789abcdef", 16, 4);
    CHECK_UINT(func_note_digest(notes.bytes, notes.size, 4), FUNC_NO_ID);
    notes_add(&notes, "GNU", NT_GNU_BUILD_ID, "", 0, 4);
    CHECK_UINT(func_note_digest(notes.bytes, notes.size, 4), FUNC_NO_ID);
    free(notes.bytes);
}

/* Under AddressSanitizer or valgrind a byte read beyond the end ends the test. */
TEST_CASE(cut_off_notes_are_read_as_none)
{
    struct notes notes = {0};
    notes_add(&notes, "GNU", NT_GNU_ABI_TAG, "0123456789abcdef", 16, 4);
    notes_add(&notes, "GNU", NT_GNU_BUILD_ID, "twenty bytes of hash", 20, 4);
    for (size_t size = 0; size < notes.size; size++) {
        void *cut = malloc(size);
        memcpy(cut, notes.bytes, size);
        CHECK_UINT(func_note_digest(cut, size, 4), FUNC_NO_ID);
        free(cut);
    }
    free(notes.bytes);
}

TEST_CASE(random_bytes_are_read_without_harm)
{
    unsigned seed = 1;
    unsigned char *bytes = malloc(200);
    for (int round = 0; round < 20000; round++) {
        for (int i = 0; i < 200; i++)
            bytes[i] = rand_r(&seed) % 4 ? 0 : (unsigned char)rand_r(&seed);
        func_note_digest(bytes, (size_t)(round % 201), round % 2 ? 4 : 8);
    }
    free(bytes);
}

TEST_CASE(a_file_has_the_id_of_the_process_that_runs_it)
{
    uint64_t id;
    REQUIRE_STATUS(func_note_file("/proc/self/exe", &id, NULL), RP_OK);
    CHECK_UINT(id, func_program(NULL));
}

TEST_CASE(what_is_no_module_is_refused_with_a_sentence)
{
    struct workshop shop;
    struct error error;
    uint64_t id = 7;
    char line[64];
    workshop_open(&shop);

    CHECK_STATUS(func_note_file(workshop_path(&shop, "none"), &id, &error), RP_MISMATCH);
    CHECK_HAS(error.text, "No such file");

    workshop_run(line, sizeof line, "echo hello > '%s'", workshop_path(&shop, "text"));
    CHECK_STATUS(func_note_file(workshop_path(&shop, "text"), &id, &error), RP_MISMATCH);
    CHECK_HAS(error.text, "no program or library");

    CHECK_STATUS(func_note_file(shop.folder, &id, &error), RP_MISMATCH);

    REQUIRE(mkfifo(workshop_path(&shop, "fifo"), 0600) == 0);
    CHECK_STATUS(func_note_file(workshop_path(&shop, "fifo"), &id, &error), RP_MISMATCH);

    workshop_run(line, sizeof line, "head -c 100 /proc/self/exe > '%s'", workshop_path(&shop, "cut"));
    CHECK_STATUS(func_note_file(workshop_path(&shop, "cut"), &id, &error), RP_MISMATCH);
    CHECK_HAS(error.text, "cut off");

    CHECK_UINT(id, 7);
    workshop_close(&shop);
}
