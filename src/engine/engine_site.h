/* SPDX-License-Identifier: Apache-2.0 */
/* What is ours: hosts and their aliases, own addresses, the numbering plan, trusted sources.  Made once from the
 * configuration and the bound addresses, then only read, by all workers. */
#pragma once

#include "engine/engine_config.h"
#include "net/net_address.h"
#include "policy/policy_request.h"
#include "registrar/registrar_gruu.h"
#include "sip/sip_message.h"
#include "sip/sip_number.h"

enum { ENGINE_HOSTS_MAX = 2 * ENGINE_LIST_MAX, ENGINE_ADDRESSES_MAX = 256, ENGINE_NUMBER_RULES_MAX = 3 };

/* A host that is ours and the domain that it stands for. */
struct engine_host {
    struct span name; /* lower case */
    struct span domain;
};

/* How peers reach a listener from outside. */
struct engine_outside {
    struct span host; /* empty: by the bound address */
    uint16_t port;    /* 0: by the bound port */
};

struct engine_site {
    bool open; /* no domains configured: every host is ours */
    struct engine_host hosts[ENGINE_HOSTS_MAX];
    unsigned host_count;
    struct net_address own[ENGINE_ADDRESSES_MAX];        /* bound addresses, ports included, by net_flow.listener */
    struct engine_outside outside[ENGINE_ADDRESSES_MAX]; /* likewise */
    unsigned own_count;
    struct span default_domain;      /* the first configured domain; empty when there is none */
    struct engine_outside advertise; /* of listeners that have none of their own */
    struct net_prefix trusted[ENGINE_LIST_MAX];
    unsigned trusted_count;
    struct net_prefix egress[ENGINE_LIST_MAX];
    unsigned egress_count;
    struct sip_number_rule numbers[ENGINE_NUMBER_RULES_MAX];
    unsigned number_count;
    char number_prefix[8];         /* "+49" */
    struct registrar_gruus *gruus; /* borrowed, shared; NULL: a GRUU is a URI like any other */
};

/* Borrows the configuration's strings.  Host names in it are lower case after engine_config_finish. */
MUST_CHECK enum err engine_site_init(struct engine_site *site, const struct engine_config *config, struct fault *fault);
/* Adds an address that we listen on, in the order of net_flow.listener, with its listener's own `advertise` (borrowed),
 * which may be empty. */
MUST_CHECK enum err engine_site_add_own(struct engine_site *site, const struct net_address *address,
                                        struct span advertise);
/* How the listener that `flow` came by is reached from outside: for Contact and SDP. */
struct net_flow;
struct engine_outside engine_site_outside(const struct engine_site *site, const struct net_flow *flow);

bool engine_site_trusts(const struct engine_site *site, const struct net_address *source);
bool engine_site_may_reach(const struct engine_site *site, const struct net_address *address);

enum { ENGINE_TARGET_BYTES = 1024 };

/* Whom a request is for, with the bytes that its spans point into. */
struct engine_target {
    struct policy_target target;
    /* "user@host", or "host" without a user; a user that is a number in its E.164 form.  By this is found what is kept
     * per user (bindings, subscriptions, publications). */
    struct span aor;
    /* What names its owner among the workers: the number alone, which the directory knows under no host, or all of
     * `aor`, whose beginning it is. */
    struct span owner_key;
    char bytes[ENGINE_TARGET_BYTES];
};

/* A GRUU stands for its address-of-record (RFC 5627 6.1); target.instead says where it leads nowhere.
 * The Request-URI's user, of a REGISTER the To's AOR, normalised (design section 2): escapes, visual separators, tel:,
 * user=phone, national numbers to E.164.  ERR_NOT_FOUND: the host is not ours (404); ERR_TOO_LONG. */
MUST_CHECK enum err engine_site_target(const struct engine_site *site, const struct sip_message *request,
                                       struct engine_target *out_target);
/* Whether a URI's host is one that we answer for. */
/* The ways to the phone behind a GRUU of ours; 0: it is none, or its phone is not registered with outbound (RFC 5626). */
struct registrar_reach;
unsigned engine_site_reach(const struct engine_site *site, const struct sip_uri *uri, struct registrar_reach *out);

bool engine_site_is_ours(const struct engine_site *site, const struct sip_uri *uri);
/* The same for one URI: an address-of-record of ours. */
MUST_CHECK enum err engine_site_target_of(const struct engine_site *site, const struct sip_uri *uri,
                                          struct engine_target *out_target);
