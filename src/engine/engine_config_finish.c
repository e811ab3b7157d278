/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from other settings, and what only shows in the whole. */
#include "engine/engine_config_priv.h"
#include "engine/engine_listen.h"
#include "net/net_address.h"
#include "registrar/registrar.h"
#include "sip/sip_uri.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void to_lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text + 32);
}

static bool has_domain(const struct engine_config *config, struct span name)
{
    for (unsigned i = 0; i < config->domains.count; i++)
        if (span_equal(span_of(config->domains.items[i]), name))
            return true;
    return false;
}

static enum err check_aliases(struct engine_config *config, struct fault *fault)
{
    for (unsigned i = 0; i < config->aliases.count; i++) {
        to_lower(config->aliases.items[i]);
        struct span alias = span_of(config->aliases.items[i]);
        size_t equals = span_find(alias, '=');
        if (equals == 0 || equals >= alias.len - 1)
            return fault_set(fault, ERR_INVALID, "", 0, "aliases: expected alias = domain, got \"%s\"",
                             config->aliases.items[i]);
        if (!has_domain(config, span_slice(alias, equals + 1, alias.len)))
            return fault_set(fault, ERR_INVALID, "", 0, "aliases: \"%s\" stands for a host that is not in domains",
                             config->aliases.items[i]);
    }
    return OK;
}

static enum err check_lifetime(const char *name, const uint32_t seconds[3], struct fault *fault)
{
    static const char *const keys[] = {"min", "default", "max"};
    for (unsigned i = 0; i + 1 < 3; i++)
        if (seconds[i] > seconds[i + 1])
            return fault_set(fault, ERR_INVALID, "", 0, "%s_%s_s: %u is more than %s_%s_s, %u", name, keys[i],
                             seconds[i], name, keys[i + 1], seconds[i + 1]);
    return OK;
}

/* An hour, where the bounds allow it. */
static uint32_t usual_lifetime(uint32_t min_s, uint32_t max_s)
{
    uint32_t usual = max_s < 3600 ? max_s : 3600;
    return usual < min_s ? min_s : usual;
}

static enum err check_lifetimes(struct engine_config *config, struct fault *fault)
{
    if (!config->subscribe_default_s)
        config->subscribe_default_s = usual_lifetime(config->subscribe_min_s, config->subscribe_max_s);
    if (!config->register_default_s)
        config->register_default_s = usual_lifetime(config->register_min_s, config->register_max_s);
    if (!config->publish_default_s)
        config->publish_default_s = usual_lifetime(config->publish_min_s, config->publish_max_s);
    const uint32_t subscribe[] = {config->subscribe_min_s, config->subscribe_default_s, config->subscribe_max_s};
    const uint32_t publish[] = {config->publish_min_s, config->publish_default_s, config->publish_max_s};
    const uint32_t binding[] = {config->register_min_s, config->register_default_s, config->register_max_s};
    enum err err = check_lifetime("subscribe", subscribe, fault);
    if (err == OK)
        err = check_lifetime("publish", publish, fault);
    return err == OK ? check_lifetime("register", binding, fault) : err;
}

static enum err check_digits(const char *key, const char *value, struct fault *fault)
{
    uint64_t number;
    if (!value || (strlen(value) <= 6 && span_to_u64(span_of(value), &number)))
        return OK;
    return fault_set(fault, ERR_INVALID, "", 0, "%s: expected up to 6 digits, got \"%s\"", key, value);
}

static enum err check_hep(const char *value, struct fault *fault)
{
    struct net_address collector;
    if (!value || (net_address_parse(span_of(value), 0, &collector) == OK && collector.port))
        return OK;
    return fault_set(fault, ERR_INVALID, "", 0,
                     "hep: expected an address and a port such as \"127.0.0.1:9060\", got \"%s\"", value);
}

static enum err check_advertise(const struct engine_config *config, struct fault *fault)
{
    struct span host;
    uint16_t port;
    if (!config->advertise || engine_advertise_parse(span_of(config->advertise), &host, &port) == OK)
        return OK;
    return fault_set(fault, ERR_INVALID, "", 0,
                     "advertise: expected a host name or an address that peers can reach, got \"%s\"",
                     config->advertise);
}

static enum err check_domains(const struct engine_config *config, struct fault *fault)
{
    for (unsigned i = 0; i < config->domains.count; i++)
        if (sip_host_kind_of(span_of(config->domains.items[i])) == SIP_HOST_NONE)
            return fault_set(fault, ERR_INVALID, "", 0, "domains: expected a host name, got \"%s\"",
                             config->domains.items[i]);
    return OK;
}

static enum err finish_paths(struct engine_config *config, struct fault *fault)
{
    if (!config->policy)
        return fault_set(
            fault, ERR_INVALID, "", 0,
            "no policy: name a folder or a .lua file (verdict run POLICY, or policy = in the configuration)");
    if (config->control_path || !config->data_dir)
        return OK;
    struct buffer path = buffer_heap(4096);
    buffer_addf(&path, "%s/control.sock", config->data_dir);
    config->control_path = path.overflow ? NULL : span_dup(buffer_span(&path));
    buffer_done(&path);
    return config->control_path ? OK : fault_set(fault, ERR_NOMEM, "", 0, "out of memory");
}

/* What only shows in the whole is said with the line that the setting at its head ("t2_ms: ...") came from. */
static void place_fault(const struct engine_config *config, struct fault *fault)
{
    char key[64];
    struct span text = span_of(fault->text);
    const struct engine_setting *setting = NULL;
    if (span_copy(span_slice(text, 0, span_find(text, ':')), key, sizeof(key)))
        setting = engine_setting_find(key);
    int line = setting ? config->lines[setting - engine_settings] : 0;
    if (!config->file || !line || fault->line)
        return;
    (void)span_copy(span_of(config->file), fault->file, sizeof(fault->file));
    fault->line = line;
}

static enum err finish(struct engine_config *config, struct fault *fault)
{
    static char default_listen[] = "udp:127.0.0.1:5060";
    if (!config->t2_ms)
        config->t2_ms = 8 * config->t1_ms;
    if (!config->t4_ms)
        config->t4_ms = 10 * config->t1_ms;
    if (config->session_expires_s && config->session_expires_s < config->min_se_s)
        return fault_set(fault, ERR_INVALID, "", 0, "session_expires_s: %u is less than min_se_s, %u",
                         config->session_expires_s, config->min_se_s);
    if (config->t2_ms < config->t1_ms)
        return fault_set(fault, ERR_INVALID, "", 0, "t2_ms: %u is less than t1_ms, %u", config->t2_ms, config->t1_ms);
    if (config->client_crl && !config->client_ca)
        return fault_set(fault, ERR_INVALID, "", 0, "client_crl: no client_ca says whose certificates are good at all");
    enum err bounds = check_lifetimes(config, fault);
    if (bounds != OK)
        return bounds;
    if (!config->drain_timeout_ms)
        config->drain_timeout_ms = 64 * config->t1_ms;
    if (!config->workers) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        config->workers = cores < 1 ? 1 : cores > 64 ? 64 : (uint32_t)cores;
    }
    if (config->listen.count == 0 && engine_list_add(&config->listen, span_of(default_listen)) != OK)
        return fault_set(fault, ERR_NOMEM, "", 0, "out of memory");
    for (unsigned i = 0; i < config->domains.count; i++)
        to_lower(config->domains.items[i]);
    enum err err = check_aliases(config, fault);
    if (err == OK)
        err = check_domains(config, fault);
    if (err == OK)
        err = engine_config_check_listen(config, fault);
    if (err == OK)
        err = check_advertise(config, fault);
    if (err == OK)
        err = check_digits("country_code", config->country_code, fault);
    if (err == OK)
        err = check_digits("national_prefix", config->national_prefix, fault);
    if (err == OK)
        err = check_digits("international_prefix", config->international_prefix, fault);
    if (err == OK)
        err = check_hep(config->hep, fault);
    return err == OK ? finish_paths(config, fault) : err;
}

enum err engine_config_finish(struct engine_config *config, struct fault *fault)
{
    struct fault found = {0};
    enum err err = finish(config, &found);
    if (err == OK)
        return OK;
    place_fault(config, &found);
    if (fault)
        *fault = found;
    return err;
}
