/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net_passed.h"

#include "net/net_socket.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_FD = 3 };

static bool number_of(const char *name, uint64_t *out_number)
{
    const char *text = getenv(name);
    return text && span_to_u64(span_of(text), out_number);
}

static int option_of(int fd, int option)
{
    int value = 0;
    socklen_t len = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

static enum err look_at(int fd, struct net_passed_socket *out_socket, struct fault *fault)
{
    struct net_address address;
    int type = option_of(fd, SO_TYPE);
    bool fine = type == SOCK_DGRAM || (type == SOCK_STREAM && option_of(fd, SO_ACCEPTCONN) == 1);
    if (!fine || net_socket_local(fd, &address) != OK || address.port == 0)
        return fault_set(fault, ERR_INVALID, "", 0,
                         "descriptor %d, passed by LISTEN_FDS, is no bound UDP and no listening TCP socket", fd);
    if (net_address_is_wildcard(&address))
        return fault_set(fault, ERR_INVALID, "", 0,
                         "descriptor %d, passed by LISTEN_FDS, is bound to a wildcard: name the address", fd);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    *out_socket = (struct net_passed_socket){.fd = fd, .is_stream = type == SOCK_STREAM, .address = address};
    return OK;
}

enum err net_passed_from_environment(struct net_passed *out_passed, struct fault *fault)
{
    uint64_t pid, count;
    bool ours = number_of("LISTEN_PID", &pid) && pid == (uint64_t)getpid() && number_of("LISTEN_FDS", &count);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    out_passed->count = 0;
    if (!ours)
        return OK;
    if (count > NET_PASSED_MAX)
        return fault_set(fault, ERR_FULL, "", 0, "LISTEN_FDS passes over %d sockets", NET_PASSED_MAX);
    for (unsigned i = 0; i < count; i++) {
        enum err err = look_at(FIRST_FD + (int)i, &out_passed->sockets[i], fault);
        if (err != OK)
            return err;
        out_passed->count = i + 1;
    }
    return OK;
}

int net_passed_take(struct net_passed *passed, enum net_transport transport, const struct net_address *address)
{
    for (unsigned i = 0; i < passed->count; i++) {
        struct net_passed_socket *one = &passed->sockets[i];
        if (one->fd < 0 || one->is_stream != (transport != NET_UDP) || !net_address_equal(&one->address, address))
            continue;
        int fd = one->fd;
        one->fd = -1;
        return fd;
    }
    return -1;
}

const struct net_passed_socket *net_passed_left(const struct net_passed *passed)
{
    for (unsigned i = 0; i < passed->count; i++)
        if (passed->sockets[i].fd >= 0)
            return &passed->sockets[i];
    return NULL;
}
