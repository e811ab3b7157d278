/* SPDX-License-Identifier: Apache-2.0 */
/* The real system calls.  Everything is non-blocking and closed on exec; a broken stream is an error, never SIGPIPE. */
#include "net/net_system.h"

static int receive_many(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    return recvmmsg(fd, messages, count, flags, NULL);
}

static int send_many(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    return sendmmsg(fd, messages, count, flags);
}

static int accept_one(int fd, struct sockaddr *out_address, socklen_t *inout_len)
{
    return accept4(fd, out_address, inout_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static ssize_t receive(int fd, void *out_bytes, size_t len)
{
    return recv(fd, out_bytes, len, 0);
}

static ssize_t send_some(int fd, const void *bytes, size_t len)
{
    return send(fd, bytes, len, MSG_NOSIGNAL);
}

const struct net_system net_system_real = {
    .receive_many = receive_many,
    .send_many = send_many,
    .accept = accept_one,
    .receive = receive,
    .send = send_some,
};
