/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that a service manager has bound for us (sd_listen_fds(3)): for ports that we may not bind ourselves. */
#pragma once

#include "net/net_flow.h"

enum { NET_PASSED_MAX = 64 };

struct net_passed_socket {
    int fd; /* -1: it has been taken */
    bool is_stream;
    struct net_address address;
};

struct net_passed {
    unsigned count;
    struct net_passed_socket sockets[NET_PASSED_MAX];
};

/* What LISTEN_FDS and LISTEN_PID say was passed; both are taken out of the environment.  None: the count is 0.
 * ERR_INVALID: one is no bound UDP or listening TCP socket of IP, or is bound to a wildcard, which could not tell where an
 * answer has to leave from. */
MUST_CHECK enum err net_passed_from_environment(struct net_passed *out_passed, struct fault *fault);
/* The socket for `transport` at `address`, which is taken; -1: none was passed. */
int net_passed_take(struct net_passed *passed, enum net_transport transport, const struct net_address *address);
/* The first that nobody took: it belongs to no listener; NULL: all were. */
const struct net_passed_socket *net_passed_left(const struct net_passed *passed);
