/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in: bans with an end, rates by source, and what both leave alone. */
#include "gate/gate.h"
#include "support/cmocka_all.h"

#include <stdio.h>

static const char invite[] = "INVITE sip:a@b SIP/2.0\r\n";

struct world {
    struct net_prefix trusted;
    struct gate gate;
    struct gate_view view;
    struct net_flow flow;
    uint64_t mono_ms;
    int64_t wall_ms;
};

static void open_world(struct world *world, uint32_t rate, uint32_t burst)
{
    *world = (struct world){.wall_ms = 1000000, .mono_ms = 1000};
    assert_int_equal(net_prefix_parse(SPAN("192.0.2.9"), &world->trusted), OK);
    struct gate_options options = {rate, burst, &world->trusted, 1};
    assert_int_equal(gate_init(&world->gate, &options), OK);
}

static void close_world(struct world *world)
{
    gate_done(&world->gate);
}

static enum gate_admission ask(struct world *world, const char *source, const char *text)
{
    assert_int_equal(net_address_parse(span_of(source), 0, &world->flow.remote), OK);
    struct gate_question question = {&world->flow, span_of(text), world->mono_ms, world->wall_ms};
    return gate_ask(&world->gate, &world->view, &question);
}

static unsigned admitted(struct world *world, const char *source, const char *text, unsigned tries)
{
    unsigned count = 0;
    for (unsigned i = 0; i < tries; i++)
        count += ask(world, source, text) == GATE_ADMIT;
    return count;
}

static void a_source_has_a_rate(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, 100, 10);
    assert_int_equal(admitted(&world, "192.0.2.1:5060", invite, 1000), 10);
    assert_int_equal(admitted(&world, "192.0.2.1:5061", invite, 1000), 0); /* ports make no new source */
    assert_int_equal(admitted(&world, "192.0.2.2:5060", invite, 5), 5);
    assert_int_equal(admitted(&world, "192.0.2.9:5060", invite, 1000), 1000);                /* trusted */
    assert_int_equal(admitted(&world, "192.0.2.1:5060", "ACK sip:b SIP/2.0\r\n", 100), 100); /* no new work */
    assert_int_equal(admitted(&world, "[2001:db8::1]:5060", invite, 100), 10);
    assert_int_equal(admitted(&world, "[2001:db8::2]:5060", invite, 100), 0); /* the same /64 */
    assert_int_equal(admitted(&world, "[2001:db8:0:1::1]:5060", invite, 100), 10);
    world.mono_ms += 50;
    assert_int_equal(admitted(&world, "192.0.2.1:5060", invite, 1000), 5);
    close_world(&world);
}

static void a_sample_is_told(void **state)
{
    (void)state;
    struct world world;
    unsigned told = 0;
    open_world(&world, 1, 1);
    for (unsigned i = 0; i < 321; i++)
        told += ask(&world, "192.0.2.1:5060", invite) == GATE_REFUSE;
    assert_int_equal(told, 10);
    close_world(&world);
}

static void bans_end(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, 0, 0);
    assert_int_equal(ask(&world, "192.0.2.1:5060", invite), GATE_ADMIT);
    assert_int_equal(gate_ban(&world.gate, SPAN("192.0.2.0/29"), 1005000, SPAN("a scanner")), OK);
    assert_int_equal(ask(&world, "192.0.2.1:5060", invite), GATE_IGNORE);
    assert_int_equal(ask(&world, "192.0.2.1:5060", "ACK sip:b SIP/2.0\r\n"), GATE_IGNORE);
    assert_int_equal(ask(&world, "192.0.2.8:5060", invite), GATE_ADMIT);
    assert_int_equal(ask(&world, "[2001:db8::1]:5060", invite), GATE_ADMIT);
    world.wall_ms = 1005000;
    assert_int_equal(ask(&world, "192.0.2.1:5060", invite), GATE_ADMIT);
    assert_int_equal(gate_unban(&world.gate, SPAN("192.0.2.0/29")), OK);
    assert_int_equal(gate_unban(&world.gate, SPAN("192.0.2.0/29")), ERR_NOT_FOUND);
    close_world(&world);
}

static void trusted_sources_cannot_be_banned(void **state)
{
    (void)state;
    struct world world;
    const char *const refused[] = {"192.0.2.9", "192.0.2.0/24", "0.0.0.0/0", "nobody", ""};
    open_world(&world, 0, 0);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(gate_ban(&world.gate, span_of(refused[i]), 2000000, SPAN("")), ERR_INVALID);
    close_world(&world);
}

static void there_is_a_cap_and_a_list(void **state)
{
    (void)state;
    struct world world;
    char text[64], memory[64 * 1024];
    struct buffer out = buffer_over(memory, sizeof(memory));
    open_world(&world, 0, 0);
    for (unsigned i = 0; i < GATE_BANS_MAX; i++) {
        snprintf(text, sizeof(text), "10.0.%u.0/24", i);
        assert_int_equal(gate_ban(&world.gate, span_of(text), 1001000 + i, SPAN("n")), OK);
    }
    assert_int_equal(gate_ban(&world.gate, SPAN("10.1.0.0/24"), 2000000, SPAN("")), ERR_FULL);
    /* One that is there gets a new end. */
    assert_int_equal(gate_ban(&world.gate, SPAN("10.0.0.0/24"), 3000000, SPAN("longer")), OK);
    gate_list(&world.gate, 2000000, &out); /* forgets all others */
    assert_string_equal(buffer_span(&out).len ? (memory[out.len] = '\0', memory) : "",
                        "{\"bans\":[{\"address\":\"10.0.0.0/24\",\"left_s\":1000,\"note\":\"longer\"}]}");
    assert_int_equal(world.gate.count, 1);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_has_a_rate),
        cmocka_unit_test(a_sample_is_told),
        cmocka_unit_test(bans_end),
        cmocka_unit_test(trusted_sources_cannot_be_banned),
        cmocka_unit_test(there_is_a_cap_and_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
