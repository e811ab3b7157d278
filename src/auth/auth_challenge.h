/* SPDX-License-Identifier: Apache-2.0 */
/* What a challenge offers, and in which order (RFC 8760 2.3: one a WWW-Authenticate, the preferred first).  Some clients
 * read only the first, so who is known to do so may get an order of his own.  Made once, read by all workers. */
#pragma once

#include "auth/auth_nonce.h"
#include "facts/facts_glob.h"
#include "util/digest.h"

enum { AUTH_AGENTS_MAX = 64 };

struct auth_order {
    enum digest_kind kinds[DIGEST_KIND_COUNT];
    unsigned count;
};

struct auth_agent {
    struct facts_glob glob; /* of User-Agent */
    struct auth_order order;
};

struct auth_challenge {
    struct auth_order usual;
    struct auth_agent *agents; /* the first that fits counts */
    unsigned agent_count;
};

/* "SHA-256, MD5".  ERR_INVALID: something else, twice the same, or nothing. */
MUST_CHECK enum err auth_order_parse(struct span text, struct auth_order *out_order);

/* Adds "Asterisk*=MD5, SHA-256".  ERR_INVALID (pattern or order), ERR_FULL, ERR_NOMEM. */
MUST_CHECK enum err auth_challenge_add_agent(struct auth_challenge *challenge, struct span pair);
/* Whether `pair` is one that could be added. */
bool auth_agent_is_one(struct span pair);
void auth_challenge_done(struct auth_challenge *challenge);

/* The order for this User-Agent (which may be empty). */
const struct auth_order *auth_challenge_order(const struct auth_challenge *challenge, struct span user_agent);
/* All algorithms that anybody is offered: 1 << enum digest_kind each. */
unsigned auth_challenge_algorithms(const struct auth_challenge *challenge);
