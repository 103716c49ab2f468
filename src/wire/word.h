/* Words as bytes: little-endian, at any address. Compilers make one move of each. */
#ifndef RANKPOOL_WIRE_WORD_H
#define RANKPOOL_WIRE_WORD_H

#include <stdint.h>
#include <string.h>

static inline void wire_put(unsigned char *at, uint64_t word, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(word >> (8 * i));
}

static inline uint64_t wire_get(const unsigned char *at, int bytes)
{
    uint64_t word = 0;
    for (int i = 0; i < bytes; i++)
        word |= (uint64_t)at[i] << (8 * i);
    return word;
}

#define WIRE_SIZE_u16 2
#define WIRE_SIZE_u32 4
#define WIRE_SIZE_u64 8
#define WIRE_SIZE_i32 4
#define WIRE_SIZE_f32 4

static inline void wire_put_u16(unsigned char *at, uint16_t value)
{
    wire_put(at, value, WIRE_SIZE_u16);
}

static inline void wire_put_u32(unsigned char *at, uint32_t value)
{
    wire_put(at, value, WIRE_SIZE_u32);
}

static inline void wire_put_u64(unsigned char *at, uint64_t value)
{
    wire_put(at, value, WIRE_SIZE_u64);
}

static inline void wire_put_i32(unsigned char *at, int32_t value)
{
    wire_put(at, (uint32_t)value, WIRE_SIZE_i32);
}

static inline void wire_put_f32(unsigned char *at, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    wire_put(at, bits, WIRE_SIZE_f32);
}

static inline uint16_t wire_get_u16(const unsigned char *at)
{
    return (uint16_t)wire_get(at, WIRE_SIZE_u16);
}

static inline uint32_t wire_get_u32(const unsigned char *at)
{
    return (uint32_t)wire_get(at, WIRE_SIZE_u32);
}

static inline uint64_t wire_get_u64(const unsigned char *at)
{
    return wire_get(at, WIRE_SIZE_u64);
}

static inline int32_t wire_get_i32(const unsigned char *at)
{
    uint32_t bits = wire_get_u32(at);
    int32_t value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float wire_get_f32(const unsigned char *at)
{
    uint32_t bits = wire_get_u32(at);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
