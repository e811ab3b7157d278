/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cmocka_all.h"

#include "tls/tls_aliases.h"
#include "tls/tls_priv.h"
#include <stdio.h>

static struct tls *tls;
static struct tls_aliases *aliases;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(tls_new(&tls), OK);
    assert_int_equal(tls_aliases_new(tls, &aliases), OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tls_aliases_free(aliases);
    tls_free(tls);
    return 0;
}

static struct net_address at(const char *text)
{
    struct net_address address;
    assert_int_equal(net_address_parse(span_of(text), 0, &address), OK);
    return address;
}

/* An accepted connection from 192.0.2.1 whose peer proved to be `names` (each behind its length). */
static struct net_flow from(struct span names, uint32_t slot)
{
    return (struct net_flow){.transport = NET_TLS,
                             .peer = tls_identities_take(tls->identities, names, 0),
                             .slot = slot,
                             .generation = 1,
                             .remote = at("192.0.2.1:40000")};
}

static const struct span trunk = {"\012trunk.test\010sip.test", 20};
static const struct span other = {"\012other.test", 11};

static bool finds(const char *name, const char *remote, uint32_t slot)
{
    struct net_flow found;
    struct net_address address = at(remote);
    return tls_aliases_find(aliases, span_of(name), &address, &found) && found.slot == slot;
}

static void a_proven_name_and_its_port_are_found(void **state)
{
    (void)state;
    struct net_flow flow = from(trunk, 7);
    assert_true(tls_aliases_lend(aliases, &flow, SPAN("Trunk.test"), 5071));
    assert_true(finds("trunk.test", "198.51.100.9:5071", 7)); /* by the name, wherever the DNS leads */
    assert_true(finds("sip.test", "192.0.2.1:5071", 7));      /* by the address, and another of its names */
    assert_false(finds("sip.test", "198.51.100.9:5071", 7));
    assert_false(finds("trunk.test", "192.0.2.1:5061", 7));
    assert_false(finds("other.test", "192.0.2.1:5071", 7)); /* RFC 5922 7.3 */
    assert_false(finds("192.0.2.1", "192.0.2.1:5071", 7));  /* an address is nobody's name */
    assert_true(tls_aliases_lend(aliases, &flow, SPAN("sip.test"), 0));
    assert_true(finds("sip.test", "198.51.100.9:5061", 7));
    tls_aliases_forget(aliases, &flow);
    assert_false(finds("trunk.test", "192.0.2.1:5071", 7));
    assert_false(finds("sip.test", "192.0.2.1:5061", 7));
}

static void what_is_not_proven_is_not_taken(void **state)
{
    (void)state;
    struct net_flow flow = from(other, 1), nobody = from(other, 2), ours = from(other, 3), tcp = from(other, 4);
    nobody.peer = 0;
    ours.outgoing = 1;
    tcp.transport = NET_TCP;
    assert_false(tls_aliases_lend(aliases, &flow, SPAN("trunk.test"), 5071));
    assert_false(tls_aliases_lend(aliases, &flow, SPAN("192.0.2.2"), 5071));
    assert_false(tls_aliases_lend(aliases, &nobody, SPAN("other.test"), 5071));
    assert_false(tls_aliases_lend(aliases, &ours, SPAN("other.test"), 5071));
    assert_false(tls_aliases_lend(aliases, &tcp, SPAN("other.test"), 5071));
    assert_true(tls_aliases_lend(aliases, &flow, SPAN("192.0.2.1"), 5071));
    assert_true(finds("other.test", "192.0.2.1:5071", 1));
    assert_false(finds("trunk.test", "192.0.2.1:5071", 1));
}

static void the_newer_connection_counts(void **state)
{
    (void)state;
    struct net_flow old = from(trunk, 1), new = from(trunk, 2), found;
    assert_true(tls_aliases_lend(aliases, &old, SPAN("trunk.test"), 5071));
    assert_true(tls_aliases_lend(aliases, &new, SPAN("trunk.test"), 5071));
    assert_true(finds("trunk.test", "192.0.2.1:5071", 2));
    struct net_flow back = old; /* an answer's way: its port is that of the sent-by */
    back.remote.port = 5071;
    assert_true(tls_aliases_find_again(aliases, &back, &found));
    assert_int_equal(found.slot, 2);
    back.peer = from(other, 3).peer;
    assert_false(tls_aliases_find_again(aliases, &back, &found));
    back.peer = 0;
    assert_false(tls_aliases_find_again(aliases, &back, &found));
    tls_aliases_forget(aliases, &old);
    assert_true(finds("trunk.test", "192.0.2.1:5071", 2));
}

/* One peer takes nothing from the others. */
static void there_is_an_end_to_lending(void **state)
{
    (void)state;
    struct net_flow flow = from(trunk, 1);
    for (unsigned i = 0; i < 3 * TLS_ALIASES_PER_PEER_MAX; i++) {
        assert_true(tls_aliases_lend(aliases, &flow, SPAN("trunk.test"), (uint16_t)(i + 1)));
        char at_port[32];
        snprintf(at_port, sizeof(at_port), "192.0.2.1:%u", i + 1);
        assert_true(finds("trunk.test", at_port, 1));
    }
    unsigned left = 0;
    for (unsigned i = 0; i < 3 * TLS_ALIASES_PER_PEER_MAX; i++) {
        char at_port[32];
        snprintf(at_port, sizeof(at_port), "192.0.2.1:%u", i + 1);
        left += finds("trunk.test", at_port, 1);
    }
    assert_int_equal(left, TLS_ALIASES_PER_PEER_MAX);
    unsigned lent = TLS_ALIASES_PER_PEER_MAX;
    for (unsigned peer = 0; lent < TLS_ALIASES_MAX; peer++) {
        char name[40];
        int len = snprintf(name + 1, sizeof(name) - 1, "host%u.test", peer);
        name[0] = (char)len;
        struct net_flow other_flow = from(span_make(name, (size_t)len + 1), peer + 2);
        for (unsigned i = 0; i < TLS_ALIASES_PER_PEER_MAX; i++, lent++)
            assert_true(tls_aliases_lend(aliases, &other_flow, span_make(name + 1, (size_t)len), (uint16_t)(i + 1)));
    }
    struct net_flow late = from(other, 7777);
    assert_false(tls_aliases_lend(aliases, &late, SPAN("other.test"), 5071));
    tls_aliases_forget(aliases, &flow);
    assert_true(tls_aliases_lend(aliases, &late, SPAN("other.test"), 5071));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_proven_name_and_its_port_are_found),
        TEST(what_is_not_proven_is_not_taken),
        TEST(the_newer_connection_counts),
        TEST(there_is_an_end_to_lending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
