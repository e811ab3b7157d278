/* SPDX-License-Identifier: Apache-2.0 */
/* One worker's share of an order: for each user here whom it looks at and whom the directory now calls gone or moved, in
 * this order: the bindings go (RFC 3680 event "rejected"), subscriptions to the user end ("noresource"), publications go,
 * calls end where the configuration says so.  A user whose entry was removed is told to come back instead
 * ("deactivated"), and gets the policy's answer then. */
#pragma once

#include "engine/engine_core.h"
#include "retirement/retirement_order.h"

/* Called once, on the worker's thread, perhaps from within retirement_carry_out().  Not OK: the directory could not be read, or
 * a binding's end not be written down; what was done is done, and the order is to be given again. */
typedef void (*retirement_done_fn)(void *arg, enum err err);

/* On the worker's own thread, with no older snapshot of the directory held.  `order` is copied.  Walks over many users go
 * on from the wheel, in slices of a millisecond or so. */
void retirement_carry_out(struct engine_core *core, const struct retirement_order *order, retirement_done_fn done,
                          void *arg);
