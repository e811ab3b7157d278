/* SPDX-License-Identifier: Apache-2.0 */
/* Which worker a message belongs to, from its raw bytes: a pure function of them and of a key that all workers share. */
#pragma once

#include "engine/engine_site.h"
#include "util/siphash.h"

struct daemon_steering {
    const struct engine_site *site;
    struct siphash_key key; /* secret: nobody may choose a worker */
};

/* The index, < count.  What is per user goes by the address-of-record (REGISTER: To; PUBLISH and SUBSCRIBE: the
 * Request-URI), so that all phones and watchers of one user meet; what belongs to a subscription by the worker that
 * its tag names (notifier_tag_worker); everything else, and what cannot be read, by its Call-ID.  A retransmission, being
 * the same bytes, comes to the same worker. */
unsigned daemon_steer(const struct daemon_steering *steering, struct span bytes, unsigned count);
/* The owner of a user: `owner_key` is engine_target's. */
unsigned daemon_steer_user(const struct daemon_steering *steering, struct span owner_key, unsigned count);
