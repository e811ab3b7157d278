/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that a stack makes on its way, as a table, so that tests can have a socket that is full, a peer that
 * is unreachable and a process without descriptors. */
#pragma once

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

struct net_system {
    int (*receive_many)(int fd, struct mmsghdr *messages, unsigned count, int flags);
    int (*send_many)(int fd, struct mmsghdr *messages, unsigned count, int flags);
    int (*accept)(int fd, struct sockaddr *out_address, socklen_t *inout_len);
    ssize_t (*receive)(int fd, void *out_bytes, size_t len);
    ssize_t (*send)(int fd, const void *bytes, size_t len);
};

/* The real ones. */
extern const struct net_system net_system_real;
