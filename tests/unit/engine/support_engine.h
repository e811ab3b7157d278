/* SPDX-License-Identifier: Apache-2.0 */
/* An engine core with a policy from a text, on a fake clock, wire and directory. */
#pragma once

#include "engine/engine_core.h"

enum { SENT_MAX = 64, SENT_BYTES = 4096 };

struct world {
    struct engine_config config;
    struct engine_site site;
    struct clock clock;
    struct wheel wheel;
    struct engine_core *core;
    struct policy *policy;
    struct metric_registry *registry;
    struct engine_meters meters;
    struct facts_gauge *gauge; /* by the configuration's caps */
    enum err lookup;           /* what the directory says: OK and `record`, ERR_NOT_FOUND, or that it cannot be read */
    struct policy_record record;
    unsigned lookups;
    unsigned keys_asked; /* HA1s: alice@example.com has the password "secret" */
    enum err keys_error; /* unless OK, what comes of it */
    /* What went out. */
    unsigned sent_count;
    struct net_flow sent_to[SENT_MAX];
    char sent[SENT_MAX][SENT_BYTES];
};

/* `policy` is the text of policy.lua. `config` NULL: defaults. */
void world_open(struct world *world, const struct engine_config *config, const char *policy);
void world_close(struct world *world);
/* A message with "\n" for line ends, from 192.0.2.1:5060 over UDP. */
void world_receive(struct world *world, const char *message);
/* Moves the clock and fires timers. */
void world_advance(struct world *world, uint64_t ms);
/* Status of the last response that went out; 0: none went out since the last call. */
unsigned world_code(struct world *world);
/* The last thing that went out; "" when nothing did. */
const char *world_last(const struct world *world);

/* A request to `uri`; `call` makes branch, tag and Call-ID its own; `more` are further header lines, each ended by "\n". */
const char *request_to(const char *method, const char *uri, const char *call, const char *more);
