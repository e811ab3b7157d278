/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, prefixes, flows: text in and out, and what kind they are. */
#include "support/cmocka_all.h"

#include "net/net_flow.h"
#include <netinet/in.h>

static struct net_address parse(const char *text)
{
    struct net_address address;
    if (net_address_parse(span_of(text), 5060, &address) != OK)
        fail_msg("%s", text);
    return address;
}

static void what_is_parsed_is_formatted(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"127.0.0.1:5080", "127.0.0.1:5080"},
        {"127.0.0.1", "127.0.0.1:5060"},
        {"0.0.0.0:0", "0.0.0.0:0"},
        {"[::1]:5061", "[::1]:5061"},
        {"[::1]", "[::1]:5060"},
        {"::1", "[::1]:5060"},
        {"2001:db8::a:5061", "[2001:db8::a:5061]:5060"},
        {"[2001:DB8:0:0:0:0:0:1]:65535", "[2001:db8::1]:65535"},
        {"[fe80::1%7]:5060", "[fe80::1%7]:5060"},
        {"[fe80::1%lo]:5060", "[fe80::1%1]:5060"},
        {"[::ffff:10.1.2.3]:9", "10.1.2.3:9"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[NET_ADDRESS_TEXT_MAX];
        struct net_address address = parse(cases[i][0]);
        net_address_text(&address, text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "localhost",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:5060x",
        "127.0.0",
        "127.0.0.256",
        "[127.0.0.1]:1",
        "[::1",
        "[::1]5060",
        "[::1]:",
        "::1]",
        "[]",
        "[]:5060",
        "[::g]",
        "1.2.3.4%1",
        "[fe80::1%]",
        "[::1]:99999999999",
        "[fe80::1%no-such-interface]",
        "[fe80::1%a-name-that-is-much-too-long-for-one]",
        "1:2:3:4:5:6:7:8:9",
        "0001:0002:0003:0004:0005:0006:0007:0008:0009:000a:000b",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct net_address address = {.port = 7};
        if (net_address_parse(span_of(cases[i]), 5060, &address) != ERR_SYNTAX || address.port != 7)
            fail_msg("%s", cases[i]);
    }
}

static void sockaddrs_round_trip(void **state)
{
    (void)state;
    static const char *const cases[] = {"10.2.3.4:5060", "[2001:db8::1]:5061", "[fe80::1%3]:1"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sockaddr_storage storage;
        struct net_address address = parse(cases[i]);
        struct net_address back;
        socklen_t len = net_address_to_sockaddr(&address, &storage);
        assert_int_equal(len, i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        assert_int_equal(net_address_from_sockaddr((struct sockaddr *)&storage, &back), OK);
        assert_true(net_address_equal(&address, &back));
    }
    struct sockaddr_storage other = {.ss_family = AF_UNIX};
    struct net_address untouched;
    assert_int_equal(net_address_from_sockaddr((struct sockaddr *)&other, &untouched), ERR_UNSUPPORTED);
}

static void kinds_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool wildcard, loopback, link_local, multicast;
    } cases[] = {
        {"0.0.0.0", true, false, false, false},     {"::", true, false, false, false},
        {"127.8.9.1", false, true, false, false},   {"::1", false, true, false, false},
        {"169.254.1.1", false, false, true, false}, {"fe80::1", false, false, true, false},
        {"febf::1", false, false, true, false},     {"fec0::1", false, false, false, false},
        {"224.0.1.75", false, false, false, true},  {"ff02::1", false, false, false, true},
        {"10.0.0.1", false, false, false, false},   {"2001:db8::1", false, false, false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct net_address address = parse(cases[i].text);
        assert_int_equal(net_address_is_wildcard(&address), cases[i].wildcard);
        assert_int_equal(net_address_is_loopback(&address), cases[i].loopback);
        assert_int_equal(net_address_is_link_local(&address), cases[i].link_local);
        assert_int_equal(net_address_is_multicast(&address), cases[i].multicast);
    }
}

static void a_source_is_a_host_or_a_64(void **state)
{
    (void)state;
    struct net_address a = parse("[2001:db8:1:2:3::4]:5060");
    struct net_address b = parse("[2001:db8:1:2:ffff::1]:9999");
    struct net_address c = parse("[2001:db8:1:3::4]:5060");
    struct net_address source_a = net_address_source(&a);
    struct net_address source_b = net_address_source(&b);
    struct net_address source_c = net_address_source(&c);
    assert_true(net_address_equal(&source_a, &source_b));
    assert_false(net_address_equal(&source_a, &source_c));
    struct net_address v4 = parse("10.1.2.3:5060");
    struct net_address host = parse("10.1.2.3:0");
    struct net_address source = net_address_source(&v4);
    assert_true(net_address_equal(&source, &host));
    assert_true(net_address_equal_ip(&v4, &host));
    assert_false(net_address_equal_ip(&a, &b));
    assert_int_equal(net_address_ip_bytes(&v4).len, 4);
    assert_int_equal(net_address_ip_bytes(&a).len, 16);
}

static void prefixes_contain(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *address, *text;
        bool inside;
    } cases[] = {
        {"10.0.0.0/8", "10.255.1.1", "10.0.0.0/8", true},
        {"10.0.0.0/8", "11.0.0.1", "10.0.0.0/8", false},
        {"10.1.2.3/9", "10.127.0.1", "10.0.0.0/9", true},
        {"10.1.2.3/9", "10.128.0.1", "10.0.0.0/9", false},
        {"192.0.2.7", "192.0.2.7", "192.0.2.7/32", true},
        {"192.0.2.7", "192.0.2.6", "192.0.2.7/32", false},
        {"0.0.0.0/0", "203.0.113.9", "0.0.0.0/0", true},
        {"0.0.0.0/0", "::1", "0.0.0.0/0", false},
        {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8::/33", true},
        {"2001:db8::/33", "2001:db8:8000::1", "2001:db8::/33", false},
        {"::1", "::1", "::1/128", true},
        {"::/0", "2001:db8::1", "::/0", true},
        {"::/0", "10.0.0.1", "::/0", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct net_prefix prefix;
        char text[64] = "";
        struct buffer out = buffer_over(text, sizeof(text) - 1);
        struct net_address address = parse(cases[i].address);
        assert_int_equal(net_prefix_parse(span_of(cases[i].prefix), &prefix), OK);
        assert_int_equal(net_prefix_contains(&prefix, &address), cases[i].inside);
        net_prefix_format(&prefix, &out);
        assert_string_equal(text, cases[i].text);
    }
    static const char *const bad[] = {"", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/8x", "10/8", "::/0001"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct net_prefix prefix;
        if (net_prefix_parse(span_of(bad[i]), &prefix) != ERR_SYNTAX)
            fail_msg("%s", bad[i]);
    }
}

static void transports_have_names(void **state)
{
    (void)state;
    static const char *const names[NET_TRANSPORT_COUNT] = {"UDP", "TCP", "TLS", "WS", "WSS"};
    static const uint16_t ports[NET_TRANSPORT_COUNT] = {5060, 5060, 5061, 80, 443};
    for (unsigned i = 0; i < NET_TRANSPORT_COUNT; i++) {
        enum net_transport transport = (enum net_transport)i;
        enum net_transport parsed;
        assert_string_equal(net_transport_name(transport), names[i]);
        assert_int_equal(net_transport_parse(span_of(names[i]), &parsed), OK);
        assert_int_equal(parsed, transport);
        assert_int_equal(net_transport_default_port(transport), ports[i]);
        assert_int_equal(net_transport_is_reliable(transport), i != 0);
        assert_int_equal(net_transport_is_secure(transport), transport == NET_TLS || transport == NET_WSS);
    }
    enum net_transport parsed;
    assert_int_equal(net_transport_parse(SPAN("wss"), &parsed), OK);
    assert_int_equal(net_transport_parse(SPAN("SCTP"), &parsed), ERR_UNSUPPORTED);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_parsed_is_formatted), cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(sockaddrs_round_trip),        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(a_source_is_a_host_or_a_64),  cmocka_unit_test(prefixes_contain),
        cmocka_unit_test(transports_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
