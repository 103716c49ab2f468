/* Internet addresses by which processes of other nodes reach this one. */
#ifndef RANKPOOL_NET_ADDRESS_H
#define RANKPOOL_NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

struct sockaddr_storage;

#define ADDRESSES 16 /* that a process tells at most */

/* As plain bytes, without a port. */
struct address {
    uint16_t family;
    uint8_t bytes[16];
};

/* As what sockets take, with a port in network order; returns its length. `mapped`: for a socket of both
 * families. */
unsigned address_to_socket(const struct address *address, uint16_t port, bool mapped,
                           struct sockaddr_storage *socket);

/* Those of this machine that others may reach, up to ADDRESSES; where there are none, those of the loopback:
 * then all nodes are on this machine. Returns how many, 0: errno says why. */
uint16_t address_list(struct address *list);

/* The loopback's. */
struct address address_of_loopback(void);

/* A socket of `type` that does not block, bound to some port of all addresses, in both families where the
 * kernel has the newer one; or with `near` to the loopback's alone. Its port in network order; -1: errno. */
int address_bind(int type, bool near, uint16_t *port);

#endif
