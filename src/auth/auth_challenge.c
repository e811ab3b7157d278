/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_challenge.h"
#include "auth/auth_header.h"

#include <stdlib.h>

static enum err order_add(struct auth_order *order, struct span name)
{
    enum digest_kind kind;
    bool session;
    if (!name.len || !auth_header_algorithm(name, &kind, &session) || session)
        return ERR_INVALID;
    for (unsigned i = 0; i < order->count; i++)
        if (order->kinds[i] == kind)
            return ERR_INVALID;
    order->kinds[order->count++] = kind;
    return OK;
}

enum err auth_order_parse(struct span text, struct auth_order *out_order)
{
    struct auth_order order = {.count = 0};
    enum err err = OK;
    for (size_t at = 0; err == OK && at <= text.len;) {
        struct span rest = span_slice(text, at, text.len);
        size_t len = span_find(rest, ',');
        err = order_add(&order, span_trim(span_slice(rest, 0, len)));
        at += len + 1;
    }
    if (err == OK)
        *out_order = order;
    return err;
}

enum err auth_challenge_add_agent(struct auth_challenge *challenge, struct span pair)
{
    struct auth_order read;
    size_t equals = span_find(pair, '=');
    struct span pattern = span_trim(span_slice(pair, 0, equals)), order = span_slice(pair, equals + 1, pair.len);
    if (challenge->agent_count == AUTH_AGENTS_MAX)
        return ERR_FULL;
    enum err err = pattern.len ? auth_order_parse(order, &read) : ERR_INVALID;
    if (err != OK)
        return err;
    if (!challenge->agents)
        challenge->agents = calloc(AUTH_AGENTS_MAX, sizeof(*challenge->agents));
    if (!challenge->agents)
        return ERR_NOMEM;
    struct auth_agent *agent = &challenge->agents[challenge->agent_count];
    err = facts_glob_compile(&agent->glob, pattern, true);
    if (err != OK)
        return err == ERR_NOMEM ? err : ERR_INVALID;
    agent->order = read;
    challenge->agent_count++;
    return OK;
}

bool auth_agent_is_one(struct span pair)
{
    struct auth_challenge challenge = {.agent_count = 0};
    bool fine = auth_challenge_add_agent(&challenge, pair) == OK;
    auth_challenge_done(&challenge);
    return fine;
}

void auth_challenge_done(struct auth_challenge *challenge)
{
    for (unsigned i = 0; i < challenge->agent_count; i++)
        facts_glob_done(&challenge->agents[i].glob);
    free(challenge->agents);
    challenge->agents = NULL;
    challenge->agent_count = 0;
}

const struct auth_order *auth_challenge_order(const struct auth_challenge *challenge, struct span user_agent)
{
    for (unsigned i = 0; user_agent.len && i < challenge->agent_count; i++)
        if (facts_glob_matches(&challenge->agents[i].glob, user_agent))
            return &challenge->agents[i].order;
    return &challenge->usual;
}

static unsigned bits_of(const struct auth_order *order)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < order->count; i++)
        bits |= 1u << order->kinds[i];
    return bits;
}

unsigned auth_challenge_algorithms(const struct auth_challenge *challenge)
{
    unsigned bits = bits_of(&challenge->usual);
    for (unsigned i = 0; i < challenge->agent_count; i++)
        bits |= bits_of(&challenge->agents[i].order);
    return bits;
}
