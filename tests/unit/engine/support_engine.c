/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/engine/support_engine.h"
#include "auth/auth_response.h"
#include "support/cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>

static enum err fake_send(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct world *world = ctx;
    assert_true(world->sent_count < SENT_MAX && bytes.len < SENT_BYTES);
    world->sent_to[world->sent_count] = *flow;
    assert_true(span_copy(bytes, world->sent[world->sent_count++], SENT_BYTES));
    return OK;
}

static enum err fake_find(void *ctx, const struct policy_target *target, struct policy_record *out_record)
{
    struct world *world = ctx;
    (void)target;
    world->lookups++;
    if (world->lookup == OK)
        *out_record = world->record;
    return world->lookup;
}

static enum err fake_keys(void *ctx, struct span user, struct span realm, struct auth_keys *out_keys)
{
    struct world *world = ctx;
    world->keys_asked++;
    if (world->keys_error != OK)
        return world->keys_error;
    if (!span_equal(user, SPAN("alice")) || !span_equal(realm, SPAN("example.com")))
        return ERR_NOT_FOUND;
    for (enum digest_kind kind = DIGEST_MD5; kind < DIGEST_KIND_COUNT; kind++) {
        assert_int_equal(auth_response_ha1(kind, user, realm, SPAN("secret"), out_keys->ha1[kind]), OK);
        out_keys->known[kind] = true;
    }
    return OK;
}

void world_open(struct world *world, const struct engine_config *config, const char *policy)
{
    struct fault fault = {0};
    struct source *source;
    memset(world, 0, sizeof(*world));
    assert_int_equal(engine_config_init(&world->config), OK);
    if (config)
        world->config = *config;
    world->lookup = ERR_NOT_FOUND;
    world->clock = (struct clock){1000, 1767225600000};
    wheel_init(&world->wheel, world->clock.mono_ms, NULL);
    assert_int_equal(engine_site_init(&world->site, &world->config, &fault), OK);
    static const unsigned char secret[REGISTRAR_SECRET_LEN] = "the same in every world";
    assert_int_equal(registrar_gruus_new(secret, &world->site.gruus), OK);
    struct net_address own = {.ip = {192, 0, 2, 9}, .port = 5060, .family = NET_FAMILY_IP4};
    assert_int_equal(engine_site_add_own(&world->site, &own, SPAN("")), OK);
    assert_int_equal(metric_registry_new(1, &world->registry), OK);
    assert_int_equal(engine_meters_init(&world->meters, world->registry), OK);
    assert_int_equal(facts_gauge_new(world->config.max_calls, world->config.max_calls_per_user, &world->gauge), OK);
    struct engine_core_options options = {
        .config = &world->config,
        .site = &world->site,
        .clock = &world->clock,
        .wheel = &world->wheel,
        .wire = {world, fake_send},
        .lookup = {world, fake_find, fake_keys},
        .meters = &world->meters,
        .key = {1, 2},
        .calls = world->gauge,
    };
    assert_int_equal(engine_core_new(&options, &world->core), OK);
    struct source_file file = {"policy.lua", span_of(policy)};
    if (source_from_memory("test", &file, 1, &source, &fault) != OK)
        fail_msg("%s", fault.text);
    struct policy_options policies = {.host = engine_core_host(world->core)};
    if (policy_load(source, &policies, &world->policy, &fault) != OK)
        fail_msg("%s:%d: %s", fault.file, fault.line, fault.text);
    source_unref(source);
    engine_core_use(world->core, world->policy, 1);
}

void world_close(struct world *world)
{
    engine_core_free(world->core);
    policy_free(world->policy);
    registrar_gruus_free(world->site.gruus);
    facts_gauge_free(world->gauge);
    metric_registry_free(world->registry);
}

void world_receive(struct world *world, const char *message)
{
    char wire[32768];
    struct buffer bytes = buffer_over(wire, sizeof(wire));
    for (const char *at = message; *at; at++) {
        if (*at == '\n')
            buffer_add_byte(&bytes, '\r');
        buffer_add_byte(&bytes, *at);
    }
    assert_false(bytes.overflow);
    struct net_flow flow = {.transport = NET_UDP};
    flow.remote = (struct net_address){.ip = {192, 0, 2, 1}, .port = 5060, .family = NET_FAMILY_IP4};
    flow.local = (struct net_address){.ip = {192, 0, 2, 9}, .port = 5060, .family = NET_FAMILY_IP4};
    world->sent_count = 0;
    engine_core_receive(world->core, &flow, buffer_span(&bytes), SIP_DATAGRAM);
}

void world_advance(struct world *world, uint64_t ms)
{
    world->sent_count = 0;
    world->clock.mono_ms += ms;
    world->clock.wall_ms += (int64_t)ms;
    wheel_advance(&world->wheel, world->clock.mono_ms);
}

const char *world_last(const struct world *world)
{
    return world->sent_count ? world->sent[world->sent_count - 1] : "";
}

unsigned world_code(struct world *world)
{
    uint32_t code = 0;
    if (world->sent_count)
        (void)span_to_u32(span_make(world_last(world) + 8, 3), &code);
    return code;
}

const char *request_to(const char *method, const char *uri, const char *call, const char *more)
{
    static char text[4][4096];
    static unsigned next;
    char *out = text[next++ % 4];
    snprintf(out, sizeof(text[0]),
             "%s %s SIP/2.0\n"
             "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%s\n"
             "From: <sip:caller@example.org>;tag=f%s\n"
             "To: <%s>\n"
             "Call-ID: %s@example.org\n"
             "CSeq: 1 %s\n"
             "Max-Forwards: 70\n"
             "Contact: <sip:caller@192.0.2.1>\n"
             "%s"
             "Content-Length: 0\n\n",
             method, uri, call, call, uri, call, method, more);
    return out;
}
