/* SPDX-License-Identifier: Apache-2.0 */
/* Making and setting up sockets. */
#include "net/net_socket.h"

#include "net/net_listener.h"
#include <errno.h>
#include <netinet/in.h>

enum {
    BUFFER_DEFAULT = 4 << 20,
    BACKLOG_DEFAULT = 1024,
    /* What a connection may have sent that is not read yet, half of what the kernel makes of it: more would wait for longer
     * than anybody should, and a sender that is told to wait knows more than one whose bytes lie about.  It is two
     * thousand messages a second and connection over a round trip of 100 ms. */
    STREAM_BUFFER = 128 << 10,
};

static void turn_on(int fd, int level, int option)
{
    int on = 1;
    (void)setsockopt(fd, level, option, &on, sizeof(on));
}

int net_socket_open(enum net_transport transport, enum net_family family)
{
    int domain = family == NET_FAMILY_IP6 ? AF_INET6 : AF_INET;
    int type = transport == NET_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && domain == AF_INET6)
        turn_on(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    return fd;
}

static int bind_to(int fd, enum net_transport transport, const struct net_address *address)
{
    struct sockaddr_storage to;
    socklen_t len = net_address_to_sockaddr(address, &to);
    /* For TCP this only passes over connections in TIME_WAIT; for UDP it would let a second daemon in. */
    if (transport != NET_UDP)
        turn_on(fd, SOL_SOCKET, SO_REUSEADDR);
    return bind(fd, (struct sockaddr *)&to, len) == 0 ? 0 : errno;
}

int net_socket_bind_first(int fd, enum net_transport transport, const struct net_address *address)
{
    int failed = bind_to(fd, transport, address);
    if (failed == 0)
        turn_on(fd, SOL_SOCKET, SO_REUSEPORT);
    return failed;
}

int net_socket_bind_beside(int fd, enum net_transport transport, const struct net_address *address)
{
    turn_on(fd, SOL_SOCKET, SO_REUSEPORT);
    return bind_to(fd, transport, address);
}

/* Past the system's cap with CAP_NET_ADMIN, else up to it. */
static void ask_buffer(int fd, int forced, int plain, int bytes)
{
    if (bytes <= 0)
        bytes = BUFFER_DEFAULT;
    if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof(bytes)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof(bytes));
}

void net_socket_set_receive_buffer(int fd, int bytes)
{
    ask_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, bytes);
}

int net_socket_prepare(int fd, enum net_transport transport, const struct net_bind_options *options)
{
    if (transport != NET_UDP) {
        net_socket_set_receive_buffer(fd, STREAM_BUFFER); /* before listen: its connections inherit it */
        return listen(fd, options->backlog > 0 ? options->backlog : BACKLOG_DEFAULT) == 0 ? 0 : errno;
    }
    ask_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options->receive_buffer);
    ask_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options->send_buffer);
    turn_on(fd, SOL_SOCKET, SO_RXQ_OVFL);
    return 0;
}

int net_socket_buffer(int fd, int option)
{
    int bytes = 0;
    socklen_t len = sizeof(bytes);
    return getsockopt(fd, SOL_SOCKET, option, &bytes, &len) == 0 ? bytes : 0;
}

enum err net_socket_local(int fd, struct net_address *out_address)
{
    struct sockaddr_storage local;
    socklen_t len = sizeof(local);
    if (getsockname(fd, (struct sockaddr *)&local, &len) != 0)
        return ERR_IO;
    return net_address_from_sockaddr((struct sockaddr *)&local, out_address);
}
