/* Targets for libFuzzer: what reads bytes that others have written, fed with any.
 *
 * A target is a file with fuzz_one, which makes what it needs of the bytes, lets the library read it, and
 * checks what comes out. It may keep what is the same for all inputs from one call to the next; what an
 * input has changed it puts back. `fuzz_target(NAME ...)` in CMakeLists.txt makes a program of NAME.c: with
 * libFuzzer where the compiler has it, else one that tries the files of corpus/NAME and no others.
 *
 * Bytes run out silently, to zeros, so that each input has a meaning and short ones are good seeds. */
#ifndef RANKPOOL_TESTS_FUZZ_H
#define RANKPOOL_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuzz {
    const uint8_t *at;
    size_t left;
};

/* The target's: one input. */
void fuzz_one(struct fuzz *fuzz);

/* The next bytes, as many as there are; the rest of `into` becomes zeros. How many there were. */
size_t fuzz_take(struct fuzz *fuzz, void *into, size_t size);
uint8_t fuzz_byte(struct fuzz *fuzz);
uint32_t fuzz_word(struct fuzz *fuzz);

/* A number below `end`; of words where it has to be. */
uint32_t fuzz_below(struct fuzz *fuzz, uint32_t end);

/* Ends the process, with a sentence, where a condition does not hold. */
#define FUZZ_CHECK(held)     ((held) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #held, ""))
#define FUZZ_SAY(held, text) ((held) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #held, (text)))
void fuzz_failed(const char *file, int line, const char *held, const char *text) __attribute__((noreturn));

#endif
