#include <string.h>

#include "run/relay_state.h"

/* Results of a block that are placed. */
uint64_t relay_out_bytes(const struct wire_block *told)
{
    bool placed = told->map && !(told->flags & (POST_PACKED | POST_REDUCE | POST_DROP_RESULTS));
    return placed ? told->items * told->out_size : 0;
}

static uint64_t aligned(uint64_t size)
{
    return (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

/* The table as the workers read it. */
static uint64_t table_bytes(const struct wire_block *told)
{
    uint64_t entry = !told->map                   ? sizeof(struct task_record)
                     : told->flags & POST_PACKED  ? sizeof(struct packed_input)
                     : told->flags & WIRE_INDICES ? sizeof(uint64_t)
                                                  : 0;
    return told->items * entry;
}

static uint64_t lay_out(struct relay_block *block)
{
    block->in = 0;
    block->out = aligned(block->parts.inputs);
    block->indices = block->out + aligned(relay_out_bytes(&block->told));
    return block->indices + table_bytes(&block->told);
}

char *relay_place(const struct relay_block *block, uint64_t offset)
{
    return board_at(&block->relay->manager.board, block->memory->offset + offset);
}

static bool fill_indices(struct relay_block *block, const unsigned char *table)
{
    uint64_t *indices = (uint64_t *)(void *)relay_place(block, block->indices);
    for (uint32_t i = 0; i < block->told.items; i++)
        indices[i] = wire_u64_unpack(table + i * sizeof *indices);
    return true;
}

static bool fill_packed(struct relay_block *block, const unsigned char *table)
{
    struct packed_input *inputs = (struct packed_input *)(void *)relay_place(block, block->indices);
    uint64_t at = block->memory->offset + block->in;
    for (uint32_t i = 0; i < block->told.items; i++) {
        struct wire_packed item;
        wire_packed_unpack(&item, table + i * WIRE_PACKED_SIZE);
        if (item.index != block->told.first + i)
            return false;
        inputs[i] = (struct packed_input){at, item.size};
        at += wire_aligned(item.size);
    }
    return true;
}

static bool is_cancelled(const struct relay_block *block, uint32_t item)
{
    return block->cancelled[item / 64] >> (item % 64) & 1;
}

static bool fill_records(struct relay_block *block, const unsigned char *table)
{
    uint64_t at = block->in;
    for (uint32_t i = 0; i < block->told.items; i++) {
        struct task_record *record = relay_records(block) + i;
        struct wire_task task;
        wire_task_unpack(&task, table + i * WIRE_TASK_SIZE);
        if (!task.function.module)
            return false;
        if (task.in_size > NOTE_INLINE)
            record->input.offset = block->memory->offset + at;
        else if (task.in_size)
            memcpy(record->input.bytes, relay_place(block, at), task.in_size);
        record->in_size = task.in_size;
        record->index = task.index;
        record->function = (struct board_function){task.function.module, task.function.offset};
        record->attempt = (uint32_t)task.attempt;
        atomic_store_explicit(&record->state, is_cancelled(block, i) ? RECORD_CANCELLED : RECORD_PENDING,
                              memory_order_relaxed);
        at += wire_aligned(task.in_size);
    }
    return true;
}

/* What stands in the table of the message is written to the board, where the inputs are; false: it makes no
 * sense. */
bool relay_fill(struct relay_block *block, const unsigned char *table)
{
    const struct wire_block *told = &block->told;
    if (block->parts.table && wire_block_check(told, table, NULL))
        return false;
    block->filled = true;
    if (!block->parts.table)
        return true;
    return !told->map                  ? fill_records(block, table)
           : told->flags & POST_PACKED ? fill_packed(block, table)
                                       : fill_indices(block, table);
}

bool relay_take_memory(struct relay_block *block)
{
    if (!block->memory)
        block->memory = posting_block(&block->relay->manager, lay_out(block));
    return block->memory;
}
