/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that peers lend for our own requests (RFC 5923): who sends `alias` in its Via over a connection that a
 * certificate has authenticated says that what is meant for its sent-by may come by that connection.  One for the whole
 * process, since the borrower is whichever worker has the call.  Thread-safe. */
#pragma once

#include "net/net_flow.h"
#include "tls/tls.h"

struct tls_aliases;

enum { TLS_ALIASES_MAX = 1024, TLS_ALIASES_PER_PEER_MAX = 16 };

/* `tls` is borrowed: it knows the names behind net_flow.peer. */
MUST_CHECK enum err tls_aliases_new(const struct tls *tls, struct tls_aliases **out_aliases);
void tls_aliases_free(struct tls_aliases *aliases); /* NULL is fine */

/* `flow` is lent for `host`:`port`, a Via's sent-by (0: the default port).  False: it is not taken, because the peer
 * proved nothing, because a name is none of the certificate's, because an address is not the connection's, or because
 * TLS_ALIASES_MAX are lent.  A peer's newer connection for the same sent-by takes the place of its older one; with
 * TLS_ALIASES_PER_PEER_MAX of it, of another of its own. */
bool tls_aliases_lend(struct tls_aliases *aliases, const struct net_flow *flow, struct span host, uint16_t port);

/* A lent connection for a request to the domain `name` whose place, by RFC 3263, is `remote` (RFC 5923 8).  It has to be
 * the place that was advertised, and the certificate has to be for the domain (RFC 5922 7.3). */
bool tls_aliases_find(struct tls_aliases *aliases, struct span name, const struct net_address *remote,
                      struct net_flow *out_flow);

/* One for an answer whose own connection has gone: of the same peer, for the sent-by at `gone->remote`. */
bool tls_aliases_find_again(struct tls_aliases *aliases, const struct net_flow *gone, struct net_flow *out_flow);

/* The connection has ended. */
void tls_aliases_forget(struct tls_aliases *aliases, const struct net_flow *flow);
