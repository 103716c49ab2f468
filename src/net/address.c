#define _GNU_SOURCE
#include "net/address.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

unsigned address_to_socket(const struct address *address, uint16_t port, bool mapped,
                           struct sockaddr_storage *socket)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    bool is_old = address->family == AF_INET;
    *socket = (struct sockaddr_storage){.ss_family = is_old && mapped ? AF_INET6 : address->family};
    if (is_old && !mapped) {
        struct sockaddr_in *in = (struct sockaddr_in *)socket;
        in->sin_port = port;
        memcpy(&in->sin_addr, address->bytes, sizeof in->sin_addr);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)socket;
    in6->sin6_port = port;
    if (is_old) {
        memcpy(&in6->sin6_addr, prefix, sizeof prefix);
        memcpy((char *)&in6->sin6_addr + sizeof prefix, address->bytes, 4);
    } else {
        memcpy(&in6->sin6_addr, address->bytes, sizeof in6->sin6_addr);
    }
    return sizeof *in6;
}

/* An address that other nodes may reach; link-local ones mean something on their own link alone. */
static bool read_address(const struct ifaddrs *from, struct address *address)
{
    if (!from->ifa_addr || !(from->ifa_flags & IFF_UP))
        return false;
    *address = (struct address){.family = from->ifa_addr->sa_family};
    if (address->family == AF_INET) {
        memcpy(address->bytes, &((struct sockaddr_in *)from->ifa_addr)->sin_addr, 4);
        return true;
    }
    const struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)from->ifa_addr;
    if (address->family != AF_INET6 || IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
        return false;
    memcpy(address->bytes, &in6->sin6_addr, 16);
    return true;
}

static uint16_t list_some(const struct ifaddrs *all, bool loopback, struct address *list)
{
    uint16_t count = 0;
    for (const struct ifaddrs *one = all; one && count < ADDRESSES; one = one->ifa_next)
        if (!(one->ifa_flags & IFF_LOOPBACK) == !loopback && read_address(one, &list[count]))
            count++;
    return count;
}

uint16_t address_list(struct address *list)
{
    struct ifaddrs *all;
    if (getifaddrs(&all))
        return 0;
    uint16_t count = list_some(all, false, list);
    if (!count)
        count = list_some(all, true, list);
    freeifaddrs(all);
    return count;
}

struct address address_of_loopback(void)
{
    return (struct address){.family = AF_INET, .bytes = {127, 0, 0, 1}};
}

static int open_bound(int type, const struct sockaddr_storage *to, socklen_t length)
{
    int both = 0, fd = socket(to->ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if ((to->ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof both)) ||
        bind(fd, (const struct sockaddr *)to, length)) {
        close(fd);
        return -1;
    }
    return fd;
}

int address_bind(int type, bool near, uint16_t *port)
{
    struct address any6 = {.family = AF_INET6}, any = {.family = AF_INET}, loopback = address_of_loopback();
    struct sockaddr_storage to;
    socklen_t length = sizeof to;
    int fd = near ? -1 : open_bound(type, &to, address_to_socket(&any6, 0, false, &to));
    if (fd < 0)
        fd = open_bound(type, &to, address_to_socket(near ? &loopback : &any, 0, false, &to));
    if (fd < 0)
        return -1;
    if (getsockname(fd, (struct sockaddr *)&to, &length)) {
        close(fd);
        return -1;
    }
    *port = to.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&to)->sin6_port
                                     : ((struct sockaddr_in *)&to)->sin_port;
    return fd;
}
