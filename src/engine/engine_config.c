/* SPDX-License-Identifier: Apache-2.0 */
/* Defaults, the one table of settings, and how a value gets into its place; engine_config_file.c reads the file. */
#include "auth/auth_challenge.h"
#include "auth/auth_window.h"
#include "engine/engine_config_priv.h"
#include "engine/engine_listen.h"
#include "net/net_listener.h"
#include "registrar/registrar.h"
#include "sip/sip_address.h"
#include "sip/sip_text.h"
#include "sip/sip_uri.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT(field) offsetof(struct engine_config, field)

/* Bounds are those of a number; for text and lists they are not used. */
const struct engine_setting engine_settings[] = {
    {"listen", ENGINE_SETTING_LIST, AT(listen), 0, 0,
     "strings such as \"udp:127.0.0.1:5060\", behind the port perhaps \",advertise=HOST\" or, of tls and wss, "
     "\",client_certificates=require\""},
    {"certificate", ENGINE_SETTING_LIST, AT(certificates), 0, 0, "files in PEM"},
    {"key", ENGINE_SETTING_LIST, AT(keys), 0, 0, "files in PEM"},
    {"origins", ENGINE_SETTING_LIST, AT(origins), 0, 0, "origins such as \"https://phone.example.com\""},
    {"client_crl", ENGINE_SETTING_TEXT, AT(client_crl), 0, 0, "a file in PEM"},
    {"client_ca", ENGINE_SETTING_TEXT, AT(client_ca), 0, 0, "a file in PEM"},
    {"server_ca", ENGINE_SETTING_TEXT, AT(server_ca), 0, 0, "a file in PEM"},
    {"client_certificates", ENGINE_SETTING_TEXT, AT(client_certificates), 0, 0, "\"none\", \"request\" or \"require\""},
    {"domains", ENGINE_SETTING_LIST, AT(domains), 0, 0, "host names such as \"example.com\""},
    {"aliases", ENGINE_SETTING_PAIRS, AT(aliases), 0, 0, "a table of alias = domain"},
    {"trusted", ENGINE_SETTING_LIST, AT(trusted), 0, 0, "addresses or blocks such as \"192.0.2.0/24\""},
    {"egress", ENGINE_SETTING_LIST, AT(egress), 0, 0, "addresses or blocks such as \"192.0.2.0/24\""},
    {"dns_servers", ENGINE_SETTING_LIST, AT(dns_servers), 0, 0, "addresses such as \"192.0.2.53\" or \"[::1]:5353\""},
    {"advertise", ENGINE_SETTING_TEXT, AT(advertise), 0, 0, "a host name or an address"},
    {"data", ENGINE_SETTING_TEXT, AT(data_dir), 0, 0, "a folder"},
    {"control", ENGINE_SETTING_TEXT, AT(control_path), 0, 0, "a path"},
    {"metrics", ENGINE_SETTING_TEXT, AT(metrics), 0, 0, "\"ADDR:PORT\""},
    {"policy", ENGINE_SETTING_TEXT, AT(policy), 0, 0, "a folder or a .lua file"},
    {"country_code", ENGINE_SETTING_TEXT, AT(country_code), 0, 0, "digits such as \"49\""},
    {"national_prefix", ENGINE_SETTING_TEXT, AT(national_prefix), 0, 0, "digits such as \"0\""},
    {"international_prefix", ENGINE_SETTING_TEXT, AT(international_prefix), 0, 0, "digits such as \"00\""},
    {"workers", ENGINE_SETTING_NUMBER, AT(workers), 0, 64, "a whole number from 1 to 64, or 0 for one a core"},
    {"t1_ms", ENGINE_SETTING_NUMBER, AT(t1_ms), 10, 10000, "milliseconds from 10 to 10000"},
    {"t2_ms", ENGINE_SETTING_NUMBER, AT(t2_ms), 10, 100000, "milliseconds from 10 to 100000"},
    {"t4_ms", ENGINE_SETTING_NUMBER, AT(t4_ms), 10, 100000, "milliseconds from 10 to 100000"},
    {"max_transactions", ENGINE_SETTING_NUMBER, AT(max_transactions), 1, 100000000, "a whole number from 1"},
    {"max_calls", ENGINE_SETTING_NUMBER, AT(max_calls), 1, 100000000, "a whole number from 1"},
    {"session_expires_s", ENGINE_SETTING_NUMBER, AT(session_expires_s), 0, 604800,
     "seconds up to 604800, 0 for what callers ask"},
    {"min_se_s", ENGINE_SETTING_NUMBER, AT(min_se_s), 1, 86400, "seconds from 1 to 86400"},
    {"max_calls_per_user", ENGINE_SETTING_NUMBER, AT(max_calls_per_user), 0, 1000000, "a whole number, 0 for no limit"},
    {"max_unacknowledged", ENGINE_SETTING_NUMBER, AT(max_unacknowledged), 1, 1000000, "a whole number from 1"},
    {"max_connections", ENGINE_SETTING_NUMBER, AT(max_connections), 1, 1000000, "a whole number from 1"},
    {"max_connections_per_source", ENGINE_SETTING_NUMBER, AT(max_connections_per_source), 1, 1000000,
     "a whole number from 1"},
    {"max_handshakes", ENGINE_SETTING_NUMBER, AT(max_handshakes), 1, 1000000, "a whole number from 1"},
    {"max_handshakes_per_source", ENGINE_SETTING_NUMBER, AT(max_handshakes_per_source), 1, 1000000,
     "a whole number from 1"},
    {"max_handshakes_per_second", ENGINE_SETTING_NUMBER, AT(max_handshakes_per_second), 1, 65535,
     "a whole number from 1 to 65535"},
    {"handshake_timeout_ms", ENGINE_SETTING_NUMBER, AT(handshake_timeout_ms), 100, 600000, "milliseconds from 100"},
    {"source_rate", ENGINE_SETTING_NUMBER, AT(source_rate), 0, 10000000, "new requests a second, 0 for no limit"},
    {"source_burst", ENGINE_SETTING_NUMBER, AT(source_burst), 0, 10000000, "requests, 0 for those of one second"},
    {"user_rate", ENGINE_SETTING_NUMBER, AT(user_rate), 0, 10000000, "new requests a second, 0 for no limit"},
    {"user_burst", ENGINE_SETTING_NUMBER, AT(user_burst), 0, 10000000, "requests, 0 for those of one second"},
    {"max_queue_ms", ENGINE_SETTING_NUMBER, AT(max_queue_ms), 0, 10000, "milliseconds up to 10000, 0 for no limit"},
    {"register_min_s", ENGINE_SETTING_NUMBER, AT(register_min_s), 1, 3600, "seconds from 1 to 3600"},
    {"register_max_s", ENGINE_SETTING_NUMBER, AT(register_max_s), 1, 31536000, "seconds from 1"},
    {"register_default_s", ENGINE_SETTING_NUMBER, AT(register_default_s), 1, 31536000, "seconds from 1"},
    {"max_bindings_per_user", ENGINE_SETTING_NUMBER, AT(max_bindings_per_user), 1, REGISTRAR_USER_MAX,
     "a whole number from 1 to 64"},
    {"max_bindings", ENGINE_SETTING_NUMBER, AT(max_bindings), 1, 100000000, "a whole number from 1"},
    {"flow_timer_s", ENGINE_SETTING_NUMBER, AT(flow_timer_s), 0, 86400, "seconds up to 86400, 0 for none"},
    {"service_route", ENGINE_SETTING_TEXT, AT(service_route), 0, 0, "routes such as \"<sip:edge.example.com;lr>\""},
    {"max_message_bytes", ENGINE_SETTING_NUMBER, AT(max_message_bytes), 1024, 65535, "bytes from 1024 to 65535"},
    {"max_unread_bytes", ENGINE_SETTING_NUMBER, AT(max_unread_bytes), 65536, 1u << 30, "bytes from 65536"},
    {"subscribe_min_s", ENGINE_SETTING_NUMBER, AT(subscribe_min_s), 1, 3600, "seconds from 1 to 3600"},
    {"subscribe_default_s", ENGINE_SETTING_NUMBER, AT(subscribe_default_s), 1, 86400, "seconds from 1 to 86400"},
    {"subscribe_max_s", ENGINE_SETTING_NUMBER, AT(subscribe_max_s), 1, 86400, "seconds from 1 to 86400"},
    {"publish_min_s", ENGINE_SETTING_NUMBER, AT(publish_min_s), 1, 3600, "seconds from 1 to 3600"},
    {"publish_default_s", ENGINE_SETTING_NUMBER, AT(publish_default_s), 1, 86400, "seconds from 1 to 86400"},
    {"publish_max_s", ENGINE_SETTING_NUMBER, AT(publish_max_s), 1, 86400, "seconds from 1 to 86400"},
    {"max_subscriptions", ENGINE_SETTING_NUMBER, AT(max_subscriptions), 1, 100000000, "a whole number from 1"},
    {"max_subscriptions_per_user", ENGINE_SETTING_NUMBER, AT(max_subscriptions_per_user), 1, 100000000,
     "a whole number from 1"},
    {"max_subscriptions_per_source", ENGINE_SETTING_NUMBER, AT(max_subscriptions_per_source), 0, 100000000,
     "a whole number, 0 for half of max_subscriptions"},
    {"max_publications", ENGINE_SETTING_NUMBER, AT(max_publications), 1, 100000000, "a whole number from 1"},
    {"max_publications_per_user", ENGINE_SETTING_NUMBER, AT(max_publications_per_user), 1, 1000,
     "a whole number from 1 to 1000"},
    {"max_publication_bytes", ENGINE_SETTING_NUMBER, AT(max_publication_bytes), 64, 60000, "bytes from 64 to 60000"},
    {"notify_interval_ms", ENGINE_SETTING_NUMBER, AT(notify_interval_ms), 0, 3600000, "milliseconds, 0 for none"},
    {"notify_rate", ENGINE_SETTING_NUMBER, AT(notify_rate), 1, 1000000, "a whole number from 1 to 1000000"},
    {"ping_interval_ms", ENGINE_SETTING_NUMBER, AT(ping_interval_ms), 0, 86400000, "milliseconds, or 0: never"},
    {"ping_timeout_ms", ENGINE_SETTING_NUMBER, AT(ping_timeout_ms), 100, 86400000, "milliseconds from 100"},
    {"idle_timeout_ms", ENGINE_SETTING_NUMBER, AT(idle_timeout_ms), 1000, 86400000, "milliseconds from 1000"},
    {"drain_timeout_ms", ENGINE_SETTING_NUMBER, AT(drain_timeout_ms), 0, 86400000, "milliseconds, 0 for 64*T1"},
    {"retry_after_s", ENGINE_SETTING_NUMBER, AT(retry_after_s), 1, 86400, "seconds from 1 to 86400"},
    {"probation_s", ENGINE_SETTING_NUMBER, AT(probation_s), 0, 86400, "seconds up to 86400, 0 for no probation"},
    {"probation_sample", ENGINE_SETTING_NUMBER, AT(probation_sample), 1, 1000000, "a whole number from 1"},
    {"probation_band", ENGINE_SETTING_BAND, AT(probation_band), 0, 0,
     "shares such as \"410 1%, lost 410 5%, errors 1%, kills 0.5%, diff 20%\""},
    {"watch", ENGINE_SETTING_FLAG, AT(watch), 0, 0, "true or false"},
    {"digest_algorithms", ENGINE_SETTING_TEXT, AT(digest_algorithms), 0, 0,
     "an order of SHA-512-256, SHA-256 and MD5 such as \"SHA-256, MD5\""},
    {"digest_agents", ENGINE_SETTING_PAIRS, AT(digest_agents), 0, 0,
     "a table of User-Agent = order, such as { [\"Asterisk*\"] = \"MD5, SHA-256\" }"},
    {"digest_auth_int", ENGINE_SETTING_FLAG, AT(digest_auth_int), 0, 0, "true or false"},
    {"nonce_ttl_s", ENGINE_SETTING_NUMBER, AT(nonce_ttl_s), 1, AUTH_WINDOW_TTL_MAX_S, "seconds from 1 to 3600"},
    {"nonces_max", ENGINE_SETTING_NUMBER, AT(nonces_max), 64, 1u << 26, "a whole number from 64 to 67108864"},
    {"tries_per_source", ENGINE_SETTING_NUMBER, AT(tries_per_source), 1, 1000, "a whole number from 1 to 1000"},
    {"tries_per_user", ENGINE_SETTING_NUMBER, AT(tries_per_user), 1, 1000, "a whole number from 1 to 1000"},
    {"tries_period_s", ENGINE_SETTING_NUMBER, AT(tries_period_s), 1, 86400, "seconds from 1 to 86400"},
    {"end_retired_calls", ENGINE_SETTING_FLAG, AT(end_retired_calls), 0, 0, "true or false"},
    {"guard", ENGINE_SETTING_GUARD, AT(guard_strict), 0, 0, "\"normal\" or \"strict\""},
    {"log_level", ENGINE_SETTING_LEVEL, AT(log_level), 0, 0, "\"debug\", \"info\", \"warn\" or \"error\""},
    {"log", ENGINE_SETTING_DECISIONS, 0, 0, 0, "\"all\", \"errors\", \"off\" or \"sample N\""},
    {"log_request", ENGINE_SETTING_FLAG, AT(log_request), 0, 0, "true or false"},
    {"log_file", ENGINE_SETTING_TEXT, AT(decisions_file), 0, 0, "a path"},
    {"log_max_bytes", ENGINE_SETTING_NUMBER64, AT(decisions_max_bytes), 0, 1ull << 50, "bytes, 0 for no rotation"},
    {"log_keep", ENGINE_SETTING_NUMBER, AT(decisions_keep), 0, 1000, "a number of files"},
    {"trace_bytes", ENGINE_SETTING_NUMBER, AT(trace_bytes), 0, 1u << 30, "bytes up to 1 GiB, 0 for none"},
    {"hep", ENGINE_SETTING_TEXT, AT(hep), 0, 0, "\"ADDR:PORT\" of a HEP collector"},
    {"hep_id", ENGINE_SETTING_NUMBER, AT(hep_id), 0, UINT32_MAX, "a whole number"},
    {NULL, ENGINE_SETTING_TEXT, 0, 0, 0, NULL},
};

enum err engine_config_init(struct engine_config *config)
{
    *config = (struct engine_config){
        .t1_ms = 500,
        .max_transactions = 1000000,
        .max_calls = 250000,
        .session_expires_s = 1800,
        .min_se_s = 90,
        .max_unacknowledged = 10000,
        .max_connections = 16384,
        .max_connections_per_source = 1024,
        .max_handshakes = 1024,
        .max_handshakes_per_source = 128,
        .max_handshakes_per_second = 1000,
        .handshake_timeout_ms = 10000,
        .max_queue_ms = 10,
        .register_min_s = 60,
        .register_max_s = 7200,
        .flow_timer_s = 120,
        .max_bindings_per_user = 16,
        .max_bindings = 10000000,
        .max_message_bytes = 65535,
        .max_unread_bytes = 1048576,
        .subscribe_min_s = 60,
        .subscribe_max_s = 7200,
        .publish_min_s = 60,
        .publish_max_s = 7200,
        .max_subscriptions = 1000000,
        .max_subscriptions_per_user = 10000,
        .max_publications = 100000,
        .max_publications_per_user = 8,
        .max_publication_bytes = 16384,
        .notify_interval_ms = 1000,
        .notify_rate = 10000,
        .idle_timeout_ms = 600000,
        .ping_interval_ms = 45000,
        .ping_timeout_ms = 15000,
        .retry_after_s = 30,
        .probation_s = 60,
        .probation_sample = 1,
        .watch = true,
        .nonce_ttl_s = 300,
        .nonces_max = 1u << 20,
        .tries_per_source = 30,
        .tries_per_user = 100,
        .tries_period_s = 300,
        .log_level = LOG_INFO,
        .decisions = DECISIONS_SAMPLE,
        .decisions_sample = 100,
        .decisions_max_bytes = 1ull << 30,
        .decisions_keep = 4,
        .trace_bytes = 1u << 16,
        .hep_id = 2001,
    };
    release_band_default(&config->probation_band);
    return OK;
}

static void list_clear(struct engine_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        free(list->items[i]);
    list->count = 0;
}

void engine_config_done(struct engine_config *config)
{
    free(config->file);
    config->file = NULL;
    for (const struct engine_setting *setting = engine_settings; setting->key; setting++) {
        void *place = (char *)config + setting->offset;
        if (setting->kind == ENGINE_SETTING_LIST || setting->kind == ENGINE_SETTING_PAIRS) {
            list_clear(place);
        } else if (setting->kind == ENGINE_SETTING_TEXT) {
            free(*(char **)place);
            *(char **)place = NULL;
        }
    }
}

const struct engine_setting *engine_setting_find(const char *key)
{
    for (const struct engine_setting *setting = engine_settings; setting->key; setting++)
        if (strcmp(setting->key, key) == 0)
            return setting;
    return NULL;
}

static enum err set_decisions(struct engine_config *config, struct span value)
{
    uint32_t sample;
    if (span_equal(value, SPAN("all")))
        config->decisions = DECISIONS_ALL;
    else if (span_equal(value, SPAN("errors")))
        config->decisions = DECISIONS_ERRORS;
    else if (span_equal(value, SPAN("off")))
        config->decisions = DECISIONS_OFF;
    else if (span_starts_with(value, SPAN("sample ")) && span_to_u32(span_slice(value, 7, value.len), &sample) &&
             sample > 0) {
        config->decisions = DECISIONS_SAMPLE;
        config->decisions_sample = sample;
    } else
        return ERR_INVALID;
    return OK;
}

static enum err set_text(char **place, struct span value)
{
    if (value.len == 0 || span_find(value, '\0') != value.len)
        return ERR_INVALID;
    char *copy = span_dup(value);
    if (!copy)
        return ERR_NOMEM;
    free(*place);
    *place = copy;
    return OK;
}

enum err engine_list_add(struct engine_list *list, struct span value)
{
    if (list->count == ENGINE_LIST_MAX)
        return ERR_FULL;
    if (value.len == 0)
        return ERR_INVALID;
    char *copy = span_dup(value);
    if (!copy)
        return ERR_NOMEM;
    list->items[list->count++] = copy;
    return OK;
}

static enum err set_number(struct engine_config *config, const struct engine_setting *setting, struct span value)
{
    uint64_t number;
    if (!span_to_u64(value, &number) || number < setting->min || number > setting->max)
        return ERR_INVALID;
    void *place = (char *)config + setting->offset;
    if (setting->kind == ENGINE_SETTING_NUMBER64)
        *(uint64_t *)place = number;
    else
        *(uint32_t *)place = (uint32_t)number;
    return OK;
}

/* Routes as they stand in a header: each in angle brackets, a SIP URI, and nothing that ends the line. */
static bool is_route_set(struct span value)
{
    struct sip_address route;
    enum err err;
    unsigned count = 0;
    while ((err = sip_address_next(&value, &route, NULL)) == OK) {
        if (!route.bracketed || (route.uri.scheme != SIP_SCHEME_SIP && route.uri.scheme != SIP_SCHEME_SIPS) ||
            !sip_text_is_clean(route.text))
            return false;
        count++;
    }
    return err == ERR_NOT_FOUND && count;
}

/* Addresses are read here already, while the file and its line are known; what they are good for is found out later. */
static bool is_fit(const struct engine_setting *setting, struct span value)
{
    struct net_listen_spec spec;
    struct net_prefix prefix;
    struct net_address address;
    struct auth_order order;
    if (strcmp(setting->key, "digest_algorithms") == 0)
        return auth_order_parse(value, &order) == OK;
    if (strcmp(setting->key, "digest_agents") == 0)
        return auth_agent_is_one(value);
    if (strcmp(setting->key, "listen") == 0)
        return net_listen_spec_parse(value, &spec, NULL) == OK;
    if (strcmp(setting->key, "client_certificates") == 0)
        return span_equal(value, SPAN("none")) || span_equal(value, SPAN("request")) ||
               span_equal(value, SPAN("require"));
    if (strcmp(setting->key, "trusted") == 0 || strcmp(setting->key, "egress") == 0)
        return net_prefix_parse(value, &prefix) == OK;
    if (strcmp(setting->key, "dns_servers") == 0)
        return net_address_parse(value, 53, &address) == OK;
    if (strcmp(setting->key, "service_route") == 0)
        return is_route_set(value);
    if (strcmp(setting->key, "metrics") == 0)
        return net_address_parse(value, 0, &address) == OK;
    return true;
}

enum err engine_setting_put(struct engine_config *config, const struct engine_setting *setting, struct span value)
{
    void *place = (char *)config + setting->offset;
    char level[16];
    if (!is_fit(setting, value))
        return ERR_INVALID;
    switch (setting->kind) {
    case ENGINE_SETTING_TEXT:
        return set_text(place, value);
    case ENGINE_SETTING_LIST:
    case ENGINE_SETTING_PAIRS:
        return engine_list_add(place, value);
    case ENGINE_SETTING_NUMBER:
    case ENGINE_SETTING_NUMBER64:
        return set_number(config, setting, value);
    case ENGINE_SETTING_FLAG:
        *(bool *)place = span_equal(value, SPAN("true"));
        return *(bool *)place || span_equal(value, SPAN("false")) ? OK : ERR_INVALID;
    case ENGINE_SETTING_GUARD:
        config->guard_strict = span_equal(value, SPAN("strict"));
        return config->guard_strict || span_equal(value, SPAN("normal")) ? OK : ERR_INVALID;
    case ENGINE_SETTING_BAND:
        return release_band_parse(value, place, NULL);
    case ENGINE_SETTING_LEVEL:
        return span_copy(value, level, sizeof(level)) && log_level_parse(level, place) ? OK : ERR_INVALID;
    case ENGINE_SETTING_DECISIONS:
        return set_decisions(config, value);
    }
    return ERR_INVALID;
}

enum err engine_config_flag(struct engine_config *config, const char *key, const char *value, bool first,
                            struct fault *fault)
{
    const struct engine_setting *setting = engine_setting_find(key);
    if (!setting)
        return fault_set(fault, ERR_INVALID, "", 0, "no setting is called \"%s\"", key);
    if (first && (setting->kind == ENGINE_SETTING_LIST || setting->kind == ENGINE_SETTING_PAIRS))
        list_clear((struct engine_list *)(void *)((char *)config + setting->offset));
    config->lines[setting - engine_settings] = 0;
    enum err err = engine_setting_put(config, setting, span_of(value));
    if (err == ERR_FULL)
        return fault_set(fault, err, "", 0, "%s: more than %d values", key, ENGINE_LIST_MAX);
    if (err != OK)
        return fault_set(fault, err, "", 0, "%s: expected %s, got \"%s\"", key, setting->expected, value);
    return OK;
}
