/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine_beside.h"
#include "engine/engine_priv.h"
#include "util/invariant.h"
#include <stdlib.h>

static bool is_registered(void *ctx, struct span aor)
{
    const struct engine_core *core = ctx;
    return registrar_is_registered(core->registrar, aor);
}

static enum err make_notifier(struct engine_core *core)
{
    const struct engine_config *config = core->config;
    struct notifier_options options = {
        .txns = core->txns,
        .ways = core->ways,
        .key = core->key,
        .worker = core->worker,
        .subscribe = {config->subscribe_min_s, config->subscribe_default_s, config->subscribe_max_s},
        .publish = {config->publish_min_s, config->publish_default_s, config->publish_max_s},
        .caps = {.subscriptions = config->max_subscriptions,
                 .per_user = config->max_subscriptions_per_user,
                 .per_source = config->max_subscriptions_per_source,
                 .publications = config->max_publications,
                 .publications_per_user = config->max_publications_per_user,
                 .publication_bytes = config->max_publication_bytes},
        .interval_ms = config->notify_interval_ms,
        .rate = config->notify_rate,
        .ctx = core,
        .is_registered = is_registered,
    };
    return notifier_table_new(&options, &core->notifier);
}

/* What lives on transactions: calls, subscriptions, bindings. */
static enum err make_users(struct engine_core *core)
{
    struct call_options calls = {.txns = core->txns,
                                 .cap = core->config->max_calls,
                                 .retry_after_s = core->config->retry_after_s,
                                 .session_expires_s = core->config->session_expires_s,
                                 .min_se_s = core->config->min_se_s,
                                 .handlers = engine_call_handlers(core),
                                 .ways = core->ways};
    enum err err = call_table_new(&calls, &core->calls);
    if (err == OK)
        err = make_notifier(core);
    if (err == OK)
        err = engine_registrar_new(core);
    if (err == OK)
        invariant(engine_write_abilities(core));
    return err;
}

static enum err make_tables(struct engine_core *core)
{
    const struct engine_config *config = core->config;
    struct txn_options txns = {
        .clock = core->clock,
        .wheel = core->wheel,
        .wire = core->wire,
        .key = core->key,
        .timers = {config->t1_ms, config->t2_ms, config->t4_ms},
        .cap = config->max_transactions,
        /* A source's calls are spread evenly over the workers, by their Call-IDs. */
        .reflect_cap = (config->max_unacknowledged + core->workers - 1) / core->workers,
        .handlers = engine_txn_handlers(core),
    };
    enum err err = txn_table_new(&txns, &core->txns);
    return err == OK ? make_users(core) : err;
}

enum err engine_core_users_new(const struct engine_config *config, struct facts_limit **out_users)
{
    struct facts_limit_options users = {.rate = config->user_rate,
                                        .burst = config->user_burst ? config->user_burst : config->user_rate};
    *out_users = NULL;
    return users.rate > 0 ? facts_limit_new(&users, out_users) : OK;
}

enum err engine_core_auth_new(const struct engine_config *config, const struct siphash_key *key, struct auth **out_auth)
{
    /* They read only the first challenge, and know MD5 alone; the last two give up where anything else stands beside it. */
    static const char *const known[] = {"SIPp*=MD5, SHA-256, SHA-512-256", "sipsak*=MD5, SHA-256, SHA-512-256",
                                        "baresip v0*=MD5", "baresip v1*=MD5"};
    bool told = config->digest_agents.count > 0;
    struct auth_options options = {
        .key = *key,
        .algorithms = span_of(config->digest_algorithms ? config->digest_algorithms : "SHA-512-256, SHA-256, MD5"),
        .agents = told ? (const char *const *)config->digest_agents.items : known,
        .agent_count = told ? config->digest_agents.count : sizeof(known) / sizeof(known[0]),
        .auth_int = config->digest_auth_int,
        .nonce_ms = config->nonce_ttl_s * 1000,
        .nonces_max = config->nonces_max,
        .tries_source_max = config->tries_per_source,
        .tries_user_max = config->tries_per_user,
        .tries_ms = config->tries_period_s * 1000,
    };
    return auth_new(&options, out_auth);
}

enum err engine_core_new(const struct engine_core_options *options, struct engine_core **out_core)
{
    struct engine_core *core = calloc(1, sizeof(*core));
    if (!core)
        return ERR_NOMEM;
    core->message = &core->group[0];
    core->config = options->config;
    core->site = options->site;
    core->clock = options->clock;
    core->wheel = options->wheel;
    core->wire = options->wire;
    core->lookup = options->lookup;
    core->decisions = options->decisions;
    core->meters = options->meters;
    core->key = options->key;
    core->worker = options->worker;
    core->workers = options->workers ? options->workers : 1;
    core->gauge = options->calls;
    core->ways = options->ways;
    core->peers = options->peers;
    core->bindings = options->bindings;
    core->auth = options->auth;
    core->last.note = "";
    core->users = options->users;
    enum err err = make_tables(core);
    if (err != OK) {
        engine_core_free(core);
        return err;
    }
    *out_core = core;
    return OK;
}

static void free_users(struct engine_core *core)
{
    notifier_table_free(core->notifier);
    registrar_free(core->registrar); /* whose package the notifier had */
    core->registrar = NULL;
    if (core->calls)
        call_table_free(core->calls);
    core->notifier = NULL;
    core->calls = NULL;
}

static void free_tables(struct engine_core *core)
{
    free_users(core);
    if (core->txns)
        txn_table_free(core->txns);
    core->txns = NULL;
}

void engine_core_free(struct engine_core *core)
{
    if (!core)
        return;
    free_tables(core);
    engine_beside_free(core->beside);
    free(core);
}

enum err engine_core_reset(struct engine_core *core)
{
    free_users(core);
    enum err err = txn_table_forget(core->txns);
    return err == OK ? make_users(core) : err;
}

void engine_core_turn_end(struct engine_core *core)
{
    registrar_flush(core->registrar);
}

void engine_core_use(struct engine_core *core, struct policy *policy, uint64_t version)
{
    core->policy = policy;
    core->version = version;
}

bool engine_core_is_idle(const struct engine_core *core)
{
    return call_table_count(core->calls) == 0 && notifier_count(core->notifier) == 0 &&
           txn_table_unfinished(core->txns) == 0;
}
