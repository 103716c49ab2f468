#include "board/share.h"

const void *share_find(const struct board *board, uint64_t number, size_t *size)
{
    const struct board_shared *shared = board->shared;
    if (number < shared->arena || number >= shared->arena + shared->arena_size - sizeof(struct share_head) ||
        number % _Alignof(struct share_head))
        return NULL;
    const struct share_head *head = board_at(board, number);
    if (atomic_load(&head->magic) != SHARE_MAGIC)
        return NULL;
    *size = head->size;
    return head + 1;
}
