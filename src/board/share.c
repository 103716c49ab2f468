#include "board/share.h"

const void *share_find(const struct board *board, uint64_t number, size_t *size)
{
    const struct board_shared *shared = board->shared;
    uint64_t offset = (number & ((UINT64_C(1) << SHARE_PLACE_BITS) - 1)) * sizeof(struct share_head);
    if (offset < shared->arena || offset >= shared->arena + shared->arena_size - sizeof(struct share_head))
        return NULL;
    const struct share_head *head = board_at(board, offset);
    if (atomic_load(&head->magic) != (SHARE_MAGIC ^ number))
        return NULL;
    *size = head->size;
    return head + 1;
}
