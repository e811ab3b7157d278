/* SPDX-License-Identifier: Apache-2.0 */
/* Private to net: making and setting up sockets. */
#pragma once

#include "net/net_flow.h"

struct net_bind_options;

/* A non-blocking socket of this transport and family, closed on exec, IPv6 only where it is IPv6; -1 and errno. */
int net_socket_open(enum net_transport transport, enum net_family family);

/* Binds the first socket of an address, which nobody else may hold, and then opens it to our own others: no moment
 * passes in which another process could come in between.  Returns 0, or errno. */
int net_socket_bind_first(int fd, enum net_transport transport, const struct net_address *address);
/* Binds another one beside it. */
int net_socket_bind_beside(int fd, enum net_transport transport, const struct net_address *address);
/* Begins to listen, or asks for buffers and for the count of drops. */
int net_socket_prepare(int fd, enum net_transport transport, const struct net_bind_options *options);

/* SO_RCVBUF or SO_SNDBUF as granted. */
int net_socket_buffer(int fd, int option);
/* The kernel doubles it. */
void net_socket_set_receive_buffer(int fd, int bytes);
/* Where `fd` is bound, or whom it is connected to. */
MUST_CHECK enum err net_socket_local(int fd, struct net_address *out_address);
