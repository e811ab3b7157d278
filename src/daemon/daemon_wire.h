/* SPDX-License-Identifier: Apache-2.0 */
/* Between a worker's core and the bytes: what its stack and the rings bring, and how answers leave. */
#pragma once

#include "daemon/daemon_worker.h"

struct net_handlers daemon_wire_handlers(struct daemon_worker *self);
struct txn_wire daemon_wire(struct daemon_worker *self);
/* For worker_ops. */
/* A phone of this user is not at the end of its Path any more; `daemon_locate.lost`. */
void daemon_wire_path_failed(struct worker *worker, struct span aor, struct span path);

void daemon_wire_on_post(void *ctx, struct worker *worker, const struct worker_post *post);
void daemon_wire_on_posted(void *ctx, struct worker *worker);
