/* SPDX-License-Identifier: Apache-2.0 */
/* One worker's locator: c-ares on the worker's loop, and the ways that our own requests may take.  On the worker's thread.
 */
#pragma once

#include "call/call_table.h"
#include "engine/engine_site.h"
#include "locate/locate_ares.h"
#include "net/net_stack.h"
#include "tls/tls_aliases.h"
#include "worker/worker_group.h"

enum { DAEMON_DNS_SOCKETS = 64 };

struct daemon_dns_socket;

struct daemon_locate {
    struct worker *worker;
    const struct engine_site *site;
    struct net_stack *const *stack; /* the worker's; NULL before its ports are open, and after */
    struct locate_ares *ares;       /* NULL: nothing is asked (any more) */
    struct locate_table *table;
    void (*lost)(struct worker *worker, struct span aor, struct span path); /* a phone's way by its Path */
    struct tls_aliases *aliases; /* borrowed, all workers'; NULL: no connection is borrowed */
    struct daemon_dns_socket *sockets[DAEMON_DNS_SOCKETS];
};

/* Without `egress` in the configuration nothing is made: whatever is located might not be reached. */
MUST_CHECK enum err daemon_locate_init(struct daemon_locate *self, struct worker *worker,
                                       const struct engine_config *config, const struct engine_site *site,
                                       struct net_stack *const *stack, struct siphash_key key);
/* Gives up every socket; from the loop. */
void daemon_locate_stop(struct daemon_locate *self);
/* After the loop has ended, and after the calls. */
void daemon_locate_done(struct daemon_locate *self);
/* Without a locator only a connection to where a request came from is opened. */
struct errand_ways daemon_locate_ways(struct daemon_locate *self);
