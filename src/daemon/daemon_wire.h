/* SPDX-License-Identifier: Apache-2.0 */
/* Between a worker's core and the bytes: what its stack and the rings bring, and how answers leave. */
#pragma once

#include "daemon/daemon_worker.h"

struct net_handlers daemon_wire_handlers(struct daemon_worker *self);
struct txn_wire daemon_wire(struct daemon_worker *self);
/* For worker_ops. */
void daemon_wire_on_post(void *ctx, struct worker *worker, const struct worker_post *post);
void daemon_wire_on_posted(void *ctx, struct worker *worker);
