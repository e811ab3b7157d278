/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a connection takes away what was registered by it with outbound (RFC 5626): at once, through the journal, and
 * nothing else. */
#include "support_registrar.h"

static const char alice[] = "sip:alice@example.com", name[] = "alice@example.com";

static struct net_flow stream(uint32_t slot, uint32_t generation)
{
    return (struct net_flow){.transport = NET_TCP, .worker = 3, .slot = slot, .generation = generation};
}

static void enrol(struct bench *bench, struct net_flow flow, const char *contact)
{
    static unsigned cseq;
    bench->flow = flow;
    assert_int_equal(bench_register(bench, alice, contact, "call", ++cseq), ERR_AGAIN);
}

#define FLOW(host, id) "<sip:" host ">;reg-id=" id ";+sip.instance=\"<urn:x>\"\r\nSupported: outbound"

static void expect(struct bench *bench, const char *bindings)
{
    assert_string_equal(bench_bindings(bench, name), bindings);
}

static void its_end_ends_what_came_by_it(void **state)
{
    struct bench *bench = *state;
    struct net_flow one = stream(7, 1), two = stream(8, 1);
    bench_open(bench);
    enrol(bench, one, FLOW("a", "1"));
    bench_commit(bench);
    enrol(bench, two, FLOW("b", "2"));
    bench_commit(bench);
    struct net_flow earlier = stream(7, 0), elsewhere = one;
    elsewhere.worker = 4;
    registrar_flow_closed(bench->registrar, &earlier);
    registrar_flow_closed(bench->registrar, &elsewhere);
    expect(bench, "sip:a;reg-id=1;+sip.instance=\"<urn:x>\"|sip:b;reg-id=2;+sip.instance=\"<urn:x>\"");
    registrar_flow_closed(bench->registrar, &one);
    bench_commit(bench);
    expect(bench, "sip:b;reg-id=2;+sip.instance=\"<urn:x>\"");
    registrar_flow_closed(bench->registrar, &one);
    bench_commit(bench);
    bench_close(bench);
    bench_open(bench); /* the journal knows it, too */
    expect(bench, "sip:b;reg-id=2;+sip.instance=\"<urn:x>\"");
    registrar_flow_closed(bench->registrar, &two); /* of the process before: nobody's any more */
    expect(bench, "sip:b;reg-id=2;+sip.instance=\"<urn:x>\"");
}

/* A phone that came back is not ended by the end of what it left. */
static void a_newer_flow_stays(void **state)
{
    struct bench *bench = *state;
    struct net_flow one = stream(7, 1);
    bench_open(bench);
    enrol(bench, one, FLOW("a", "1"));
    bench_commit(bench);
    enrol(bench, stream(9, 1), FLOW("b", "1"));
    bench_commit(bench);
    registrar_flow_closed(bench->registrar, &one);
    bench_commit(bench);
    expect(bench, "sip:b;reg-id=1;+sip.instance=\"<urn:x>\"");
}

static void other_contacts_stay(void **state)
{
    struct bench *bench = *state;
    static const char *const contacts[] = {
        "<sip:c>", "<sip:c>;reg-id=1\r\nSupported: outbound", "<sip:c>;reg-id=1;+sip.instance=\"<urn:x>\"",
        FLOW("c", "1") "\r\nVia: SIP/2.0/TCP phone.example.net;branch=z9hG4bKp\r\nPath: <sip:edge.example.net;lr;ob>"};
    struct net_flow one = stream(7, 1), udp = {.transport = NET_UDP};
    bench_open(bench);
    for (size_t i = 0; i < sizeof(contacts) / sizeof(contacts[0]); i++) {
        enrol(bench, one, contacts[i]);
        bench_commit(bench);
        registrar_flow_closed(bench->registrar, &one);
        bench_commit(bench);
        assert_memory_equal(bench_bindings(bench, name), "sip:c", 5);
        enrol(bench, one, "*\r\nExpires: 0");
        bench_commit(bench);
    }
    enrol(bench, udp, FLOW("c", "1"));
    bench_commit(bench);
    registrar_flow_closed(bench->registrar, &udp);
    bench_commit(bench);
    assert_memory_equal(bench_bindings(bench, name), "sip:c", 5);
}

/* It ends while the disk has the REGISTER: what was answered true is taken off behind it. */
static void it_ends_on_the_way_to_the_disk(void **state)
{
    struct bench *bench = *state;
    struct net_flow one = stream(7, 1);
    bench_open(bench);
    enrol(bench, one, FLOW("a", "1"));
    registrar_flow_closed(bench->registrar, &one);
    bench_commit(bench);
    assert_int_equal(bench->kept, 1);
    expect(bench, "");
    struct registrar_census census;
    registrar_census(bench->registrar, &census);
    assert_int_equal(census.users, 0);
    assert_int_equal(census.bindings, 0);
    assert_int_equal(census.bytes, 0);
    assert_int_equal(census.waiting, 0);
}

/* The process ends with all of that under way. */
static void nothing_leaks(void **state)
{
    struct bench *bench = *state;
    struct net_flow one = stream(7, 1);
    bench_open(bench);
    enrol(bench, one, FLOW("a", "1"));
    bench_commit(bench);
    enrol(bench, one, FLOW("b", "2"));
    registrar_flow_closed(bench->registrar, &one);
    registrar_flush(bench->registrar);
    bench_close(bench);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(its_end_ends_what_came_by_it),   TEST(a_newer_flow_stays), TEST(other_contacts_stay),
        TEST(it_ends_on_the_way_to_the_disk), TEST(nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
