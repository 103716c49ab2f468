#define _GNU_SOURCE
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launch/hosts.h"

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (!b || a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET)
        return memcmp(&((const struct sockaddr_in *)(const void *)a)->sin_addr,
                      &((const struct sockaddr_in *)(const void *)b)->sin_addr, sizeof(struct in_addr)) == 0;
    return a->sa_family == AF_INET6 &&
           memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                  &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

static bool has_address(const char *name)
{
    struct addrinfo *found = NULL, hints = {.ai_socktype = SOCK_STREAM};
    struct ifaddrs *interfaces = NULL;
    bool here = false;
    if (getaddrinfo(name, NULL, &hints, &found) == 0 && getifaddrs(&interfaces) == 0)
        for (struct addrinfo *at = found; at && !here; at = at->ai_next)
            for (struct ifaddrs *interface = interfaces; interface && !here; interface = interface->ifa_next)
                here = same_address(at->ai_addr, interface->ifa_addr);
    if (interfaces)
        freeifaddrs(interfaces);
    if (found)
        freeaddrinfo(found);
    return here;
}

/* Batch systems write short names where a machine has its domain's in its own, and the other way round. */
static bool is_own_name(const char *name)
{
    char own[256] = "";
    if (gethostname(own, sizeof own - 1) || !*own)
        return false;
    size_t length = strcspn(name, "."), own_length = strcspn(own, ".");
    bool one_is_short = !name[length] || !own[own_length];
    return strcasecmp(name, own) == 0 ||
           (one_is_short && length == own_length && strncasecmp(name, own, length) == 0);
}

bool hosts_is_here(const char *name)
{
    return strcasecmp(name, "localhost") == 0 || is_own_name(name) || has_address(name);
}
