/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine_site.h"
#include "engine/engine_listen.h"
#include "net/net_flow.h"
#include "registrar/registrar_way.h"
#include <stdio.h>

static enum err parse_prefixes(const struct engine_list *list, const char *key, struct net_prefix *out,
                               unsigned *out_count, struct fault *fault)
{
    for (unsigned i = 0; i < list->count; i++)
        if (net_prefix_parse(span_of(list->items[i]), &out[i]) != OK)
            return fault_set(fault, ERR_INVALID, "", 0,
                             "%s: \"%s\" is neither an address nor a block such as 192.0.2.0/24", key, list->items[i]);
    *out_count = list->count;
    return OK;
}

static void add_host(struct engine_site *site, struct span name, struct span domain)
{
    if (site->host_count < ENGINE_HOSTS_MAX)
        site->hosts[site->host_count++] = (struct engine_host){name, domain};
}

static void add_number_rules(struct engine_site *site, const struct engine_config *config)
{
    if (config->international_prefix)
        site->numbers[site->number_count++] = (struct sip_number_rule){
            .prefix = span_of(config->international_prefix),
            .strip = (unsigned)strlen(config->international_prefix),
            .prepend = SPAN("+"),
        };
    if (!config->country_code)
        return;
    snprintf(site->number_prefix, sizeof(site->number_prefix), "+%s", config->country_code);
    const char *national = config->national_prefix ? config->national_prefix : "";
    site->numbers[site->number_count++] = (struct sip_number_rule){
        .prefix = span_of(national),
        .strip = (unsigned)strlen(national),
        .prepend = span_of(site->number_prefix),
        .min_digits = 4, /* shorter ones are extensions, which no country code makes a number of */
    };
}

enum err engine_site_init(struct engine_site *site, const struct engine_config *config, struct fault *fault)
{
    memset(site, 0, sizeof(*site));
    site->open = config->domains.count == 0;
    for (unsigned i = 0; i < config->domains.count; i++)
        add_host(site, span_of(config->domains.items[i]), span_of(config->domains.items[i]));
    for (unsigned i = 0; i < config->aliases.count; i++) {
        struct span alias = span_of(config->aliases.items[i]);
        size_t equals = span_find(alias, '=');
        add_host(site, span_slice(alias, 0, equals), span_slice(alias, equals + 1, alias.len));
    }
    if (config->domains.count)
        site->default_domain = span_of(config->domains.items[0]);
    if (config->advertise &&
        engine_advertise_parse(span_of(config->advertise), &site->advertise.host, &site->advertise.port) != OK)
        return fault_set(fault, ERR_INVALID, "", 0, "advertise: \"%s\" is no host", config->advertise);
    add_number_rules(site, config);
    enum err err = parse_prefixes(&config->trusted, "trusted", site->trusted, &site->trusted_count, fault);
    if (err == OK)
        err = parse_prefixes(&config->egress, "egress", site->egress, &site->egress_count, fault);
    return err;
}

enum err engine_site_add_own(struct engine_site *site, const struct net_address *address, struct span advertise)
{
    struct engine_outside outside = site->advertise;
    if (site->own_count == ENGINE_ADDRESSES_MAX)
        return ERR_FULL;
    if (advertise.len && engine_advertise_parse(advertise, &outside.host, &outside.port) != OK)
        return ERR_INVALID;
    site->outside[site->own_count] = outside;
    site->own[site->own_count++] = *address;
    return OK;
}

struct engine_outside engine_site_outside(const struct engine_site *site, const struct net_flow *flow)
{
    struct engine_outside outside = flow->listener < site->own_count ? site->outside[flow->listener] : site->advertise;
    if (!outside.port)
        outside.port = flow->local.port;
    return outside;
}

static bool any_contains(const struct net_prefix *prefixes, unsigned count, const struct net_address *address)
{
    for (unsigned i = 0; i < count; i++)
        if (net_prefix_contains(&prefixes[i], address))
            return true;
    return false;
}

bool engine_site_trusts(const struct engine_site *site, const struct net_address *source)
{
    return any_contains(site->trusted, site->trusted_count, source);
}

/* A GRUU that a peer has for its Contact leads to its registrar, which may be us: nothing of ours is for ourselves. */
bool engine_site_may_reach(const struct engine_site *site, const struct net_address *address)
{
    for (unsigned i = 0; i < site->own_count; i++)
        if (net_address_equal(&site->own[i], address))
            return false;
    return any_contains(site->egress, site->egress_count, address);
}

static bool is_own_address(const struct engine_site *site, const struct sip_uri *uri)
{
    struct net_address address;
    if (site->advertise.host.len && span_equal_nocase(uri->host, site->advertise.host))
        return true;
    for (unsigned i = 0; i < site->own_count; i++)
        if (site->outside[i].host.len && span_equal_nocase(uri->host, site->outside[i].host))
            return true;
    if (uri->host_kind != SIP_HOST_IPV4 && uri->host_kind != SIP_HOST_IPV6)
        return false;
    if (net_address_parse_ip(uri->host, 0, &address) != OK)
        return false;
    for (unsigned i = 0; i < site->own_count; i++)
        if (net_address_equal_ip(&site->own[i], &address))
            return true;
    return false;
}

/* The domain that a host stands for, lower case; false when it is not ours. */
static bool find_domain(const struct engine_site *site, const struct sip_uri *uri, struct buffer *bytes,
                        struct span *out_domain)
{
    struct span host = uri->host;
    if (host.len > 1 && host.at[host.len - 1] == '.') /* a fully qualified name is the same name */
        host.len--;
    for (unsigned i = 0; i < site->host_count; i++)
        if (span_equal_nocase(site->hosts[i].name, host)) {
            *out_domain = site->hosts[i].domain;
            return true;
        }
    if (site->default_domain.len && is_own_address(site, uri)) {
        *out_domain = site->default_domain;
        return true;
    }
    if (!site->open)
        return false;
    size_t start = bytes->len;
    buffer_add_span(bytes, host);
    for (size_t i = start; i < bytes->len; i++)
        bytes->at[i] = (char)(bytes->at[i] >= 'A' && bytes->at[i] <= 'Z' ? bytes->at[i] + 32 : bytes->at[i]);
    *out_domain = span_make(bytes->at + start, bytes->len - start);
    return true;
}

bool engine_site_is_ours(const struct engine_site *site, const struct sip_uri *uri)
{
    struct buffer none = buffer_over(NULL, 0);
    struct span domain;
    return site->open || uri->scheme == SIP_SCHEME_TEL || find_domain(site, uri, &none, &domain);
}

static enum err take_user(const struct sip_uri *uri, struct buffer *bytes, struct span *out_user)
{
    size_t len;
    if (!uri->user.at)
        return OK;
    if (bytes->cap - bytes->len < uri->user.len)
        return ERR_TOO_LONG;
    if (!memchr(uri->user.at, '%', uri->user.len)) { /* as most users are */
        len = uri->user.len;
        memcpy(bytes->at + bytes->len, uri->user.at, len);
    } else if (!sip_uri_unescape(uri->user, bytes->at + bytes->len, bytes->cap - bytes->len, &len)) {
        return ERR_TOO_LONG;
    }
    *out_user = span_make(bytes->at + bytes->len, len);
    bytes->len += len;
    return OK;
}

static enum err take_number(const struct engine_site *site, const struct sip_uri *uri, struct span user,
                            struct buffer *bytes, struct span *out_number)
{
    char number[SIP_NUMBER_MAX];
    size_t len;
    enum err err = sip_number_of_uri(uri, site->numbers, site->number_count, number, &len);
    /* With a numbering plan, digits in a sip: URI are dialled numbers even without user=phone. */
    if (err != OK && site->number_count && sip_number_is(user))
        err = sip_number_normalise(user, site->numbers, site->number_count, number, &len);
    if (err != OK || number[0] != '+')
        return OK; /* not a number, or one that no rule makes global: it has a user only */
    size_t start = bytes->len;
    buffer_add(bytes, number, len);
    *out_number = span_make(bytes->at + start, len);
    return bytes->overflow ? ERR_TOO_LONG : OK;
}

/* "user@host" into `bytes`; "host" without a user. */
static struct span add_address(struct buffer *bytes, struct span user, struct span host)
{
    size_t start = bytes->len;
    buffer_add_span(bytes, user);
    if (user.len)
        buffer_add_byte(bytes, '@');
    buffer_add_span(bytes, host);
    return span_make(bytes->at + start, bytes->len - start);
}

static enum err plain_target_of(const struct engine_site *site, const struct sip_uri *uri,
                                struct engine_target *out_target)
{
    struct buffer bytes = buffer_over(out_target->bytes, sizeof(out_target->bytes));
    struct policy_target target = {0};
    enum err err = OK;
    if (uri->scheme == SIP_SCHEME_TEL)
        target.host = site->default_domain;
    else if (!find_domain(site, uri, &bytes, &target.host))
        return ERR_NOT_FOUND;
    if ((err = take_user(uri, &bytes, &target.user)) != OK ||
        (err = take_number(site, uri, target.user, &bytes, &target.number)) != OK)
        return err;
    struct span aor = add_address(&bytes, target.number.len ? target.number : target.user, target.host);
    if (bytes.overflow)
        return ERR_TOO_LONG;
    out_target->target = target;
    out_target->aor = aor;
    out_target->owner_key = target.number.len ? span_slice(aor, 0, target.number.len) : aor;
    return OK;
}

/* Whose temporary GRUU it is; as long as it is valid, and under the host that it was given out for. */
static enum err read_temporary(const struct engine_site *site, const struct sip_uri *uri,
                               struct engine_target *out_target)
{
    char aor[REGISTRAR_GRUU_MAX], text[REGISTRAR_GRUU_MAX * 3 + 16], domain[ENGINE_TARGET_BYTES];
    struct buffer name = buffer_over(aor, sizeof(aor)), plain = buffer_over(text, sizeof(text));
    struct buffer lower = buffer_over(domain, sizeof(domain));
    struct sip_uri parsed;
    struct span host;
    uint64_t key;
    if (!find_domain(site, uri, &lower, &host) || registrar_gruus_read(site->gruus, uri->user, &name, &key) != OK ||
        !registrar_gruus_is_held(site->gruus, key))
        return ERR_INVALID;
    size_t at = name.len;
    while (at && aor[at - 1] != '@')
        at--;
    if (!at || !span_equal(host, span_slice(buffer_span(&name), at, name.len)))
        return ERR_INVALID;
    buffer_add_literal(&plain, "sip:");
    sip_uri_escape_user(&plain, span_slice(buffer_span(&name), 0, at - 1));
    buffer_add_byte(&plain, '@');
    sip_host_add(&plain, host, sip_host_kind_of(host));
    return sip_uri_parse(buffer_span(&plain), &parsed, NULL) == OK ? plain_target_of(site, &parsed, out_target)
                                                                   : ERR_INVALID;
}

static bool is_phone_registered(const struct engine_site *site, const struct engine_target *target, struct span value)
{
    char text[REGISTRAR_GRUU_MAX];
    size_t len;
    if (!sip_uri_unescape(value, text, sizeof(text), &len))
        return false;
    struct registrar_phone phone = {.aor = target->aor, .instance = span_make(text, len)};
    return registrar_gruus_is_registered(site->gruus, &phone);
}

unsigned engine_site_reach(const struct engine_site *site, const struct sip_uri *uri, struct registrar_reach *out)
{
    struct engine_target target;
    char text[REGISTRAR_GRUU_MAX];
    size_t len;
    if (!site->gruus || !sip_uri_has_param(uri, SPAN("gr")) || engine_site_target_of(site, uri, &target) != OK ||
        target.target.instead || !sip_uri_unescape(sip_uri_param(uri, SPAN("gr")), text, sizeof(text), &len))
        return 0;
    struct registrar_phone phone = {.aor = target.aor, .instance = span_make(text, len)};
    return registrar_gruus_reach(site->gruus, &phone, uri->user, out);
}

enum err engine_site_target_of(const struct engine_site *site, const struct sip_uri *uri,
                               struct engine_target *out_target)
{
    bool is_gruu = site->gruus && uri->scheme != SIP_SCHEME_TEL && sip_uri_has_param(uri, SPAN("gr"));
    struct span value = is_gruu ? sip_uri_param(uri, SPAN("gr")) : SPAN("");
    if (is_gruu && !value.len && read_temporary(site, uri, out_target) == OK)
        return OK;
    enum err err = plain_target_of(site, uri, out_target);
    if (err != OK || !is_gruu)
        return err;
    if (!value.len)
        out_target->target.instead = 404;
    else if (!is_phone_registered(site, out_target, value))
        out_target->target.instead = 480;
    return OK;
}

enum err engine_site_target(const struct engine_site *site, const struct sip_message *request,
                            struct engine_target *out_target)
{
    const struct sip_uri *uri = request->method == SIP_METHOD_REGISTER ? &request->to.uri : &request->uri;
    return engine_site_target_of(site, uri, out_target);
}
