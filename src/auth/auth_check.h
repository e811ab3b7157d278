/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a request comes from who it says (RFC 3261 22, RFC 7616, RFC 8760).  One `struct auth` a process; every function
 * is for any thread, takes no lock and waits for nothing but the caller's own look-up of HA1s. */
#pragma once

#include "auth/auth_challenge.h"
#include "net/net_address.h"
#include "sip/sip_message.h"
#include "util/digest.h"

struct auth;

struct auth_options {
    struct siphash_key key;    /* secret, and new with every start */
    struct span algorithms;    /* what is offered, in this order: "SHA-256, MD5"; nothing else is accepted */
    const char *const *agents; /* "Asterisk*=MD5": who gets another order */
    unsigned agent_count;
    bool auth_int;             /* offers qop auth-int as well */
    uint32_t nonce_ms;         /* how long a nonce is good for; at most AUTH_WINDOW_TTL_MAX_S */
    uint32_t nonces_max;       /* answered nonces that are remembered */
    uint32_t tries_source_max; /* wrong responses from one source (IPv6: its /64), */
    uint32_t tries_user_max;   /* and for one user, each in about */
    uint32_t tries_ms;         /* this long */
};

/* ERR_INVALID: the algorithms or an agent's pair are no such thing. */
MUST_CHECK enum err auth_new(const struct auth_options *options, struct auth **out_auth);
void auth_free(struct auth *auth); /* NULL is fine */

/* What is kept of a password: H(user:realm:password), binary, for each algorithm. */
struct auth_keys {
    unsigned char ha1[DIGEST_KIND_COUNT][DIGEST_MAX];
    bool known[DIGEST_KIND_COUNT];
};

struct auth_question {
    const struct sip_message *message;
    const struct net_address *source; /* NULL: of one that is trusted, so only the user's tries are counted */
    int64_t now_ms;                   /* Unix time */
    void *ctx;
    /* The keys of user@realm, both unescaped.  ERR_NOT_FOUND: no such user, or none with a password.  Any other error: it
     * cannot be known now, and auth_check returns it. */
    enum err (*keys)(void *ctx, struct span user, struct span realm, struct auth_keys *out_keys);
    /* Whether credentials for this digest-uri may be meant for us although it is not the Request-URI (RFC 3261 22.4: a proxy
     * on the way may have rewritten that).  NULL: never. */
    bool (*is_ours)(void *ctx, struct span uri);
};

enum auth_outcome {
    AUTH_NONE, /* no credentials, or such as answer no challenge of ours */
    AUTH_GOOD,
    AUTH_WRONG,   /* wrong password, or no such user: nobody outside can tell which */
    AUTH_STALE,   /* right, but the nonce is too old, spent, or of another life of this server */
    AUTH_REPLAY,  /* right, but this nonce count was used before */
    AUTH_CROWD,   /* right, but the table of nonces has no place left where this one belongs */
    AUTH_LIMITED, /* too many wrong ones of late, from this source or for this user: not even looked at */
    AUTH_OUTCOME_COUNT
};
/* "none", "good", "wrong", "stale", "replay", "crowd", "limited". */
const char *auth_outcome_text(enum auth_outcome outcome);
/* The response was right, so the next challenge says stale=true: a client then tries again without asking its user. */
static inline bool auth_outcome_is_stale(enum auth_outcome outcome)
{
    return outcome == AUTH_STALE || outcome == AUTH_REPLAY || outcome == AUTH_CROWD;
}

enum { AUTH_TEXT_BYTES = 2048 };

struct auth_result {
    enum auth_outcome outcome;
    struct span user, realm;    /* as the credentials have them, unescaped; empty with AUTH_NONE */
    bool source_full;           /* with this wrong one the source reached its limit, */
    bool user_full;             /* or the user */
    char text[AUTH_TEXT_BYTES]; /* what the spans point into */
};

/* Looks at the request's Authorization.  Counts a wrong response, notes a right one's nonce count: once a request.  Errors
 * are those of `keys`, and ERR_NOMEM and ERR_UNSUPPORTED of the digests. */
MUST_CHECK enum err auth_check(struct auth *auth, const struct auth_question *question, struct auth_result *out_result);

/* The values of WWW-Authenticate of a challenge that is sent now, the preferred first, written into `text`; returns how many.
 * `unique` must not come again within the same millisecond. */
struct auth_offer {
    struct span realm;
    struct span user_agent; /* may be empty */
    bool stale;
    int64_t now_ms;
    uint64_t unique;
};
unsigned auth_offer(const struct auth *auth, const struct auth_offer *offer, struct buffer *text,
                    struct span out_values[DIGEST_KIND_COUNT]);
/* The nonce of such a challenge alone. */
void auth_nonce_new(const struct auth *auth, int64_t now_ms, uint64_t unique, char out[AUTH_NONCE_LEN]);
