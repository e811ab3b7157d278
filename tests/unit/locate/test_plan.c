/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3263 4.1, 4.2 and RFC 2782, case by case, over a zone in memory. */
#include "support_locate.h"

#define ALL (1u << NET_UDP | 1u << NET_TCP | 1u << NET_TLS | 1u << NET_WS | 1u << NET_WSS)

static struct dns *zone(void)
{
    struct dns *dns = calloc(1, sizeof(*dns));
    assert_non_null(dns);
    return dns;
}

static enum err plan_with(struct dns *dns, struct locate_request request, struct locate_hops *out_hops)
{
    struct locate_view view = {dns, dns_view};
    struct locate_needs needs;
    dns->asked_count = 0;
    if (!request.transports)
        request.transports = ALL;
    return locate_plan(&request, &view, 1, &needs, out_hops);
}

static void expect_with(struct dns *dns, struct locate_request request, const char *expected)
{
    struct locate_hops hops;
    assert_int_equal(plan_with(dns, request, &hops), OK);
    assert_string_equal(hops_text(&hops), expected);
}

static void expect(struct dns *dns, const char *uri, const char *expected)
{
    expect_with(dns, (struct locate_request){.uri = span_of(uri)}, expected);
}

static void expect_error(struct dns *dns, const char *uri, enum err expected)
{
    struct locate_hops hops = {.count = 77};
    assert_int_equal(plan_with(dns, (struct locate_request){.uri = span_of(uri)}, &hops), expected);
    assert_int_equal(hops.count, 77);
}

static void test_numeric_hosts_ask_nothing(void **state)
{
    (void)state;
    struct dns *dns = zone();
    static const struct {
        const char *uri, *hops;
    } cases[] = {
        {"sip:192.0.2.1", "UDP 192.0.2.1:5060"},
        {"sip:a@192.0.2.1:5070", "UDP 192.0.2.1:5070"},
        {"sip:192.0.2.1;transport=tcp", "TCP 192.0.2.1:5060"},
        {"sip:192.0.2.1;transport=TLS", "TLS 192.0.2.1:5061"},
        {"sip:192.0.2.1;transport=ws", "WS 192.0.2.1:80"},
        {"sips:192.0.2.1", "TLS 192.0.2.1:5061"},
        {"sips:192.0.2.1;transport=tcp", "TLS 192.0.2.1:5061"},
        {"sips:192.0.2.1;transport=ws", "WSS 192.0.2.1:443"},
        {"sip:[2001:db8::1]", "UDP [2001:db8::1]:5060"},
        {"sip:[2001:db8::1]:99;transport=tcp", "TCP [2001:db8::1]:99"},
        {"sip:example.com;maddr=192.0.2.9", "UDP 192.0.2.9:5060"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect(dns, cases[i].uri, cases[i].hops);
        assert_int_equal(dns->asked_count, 0);
    }
    free(dns);
}

static void test_what_cannot_be_located(void **state)
{
    (void)state;
    struct dns *dns = zone();
    expect_error(dns, "", ERR_SYNTAX);
    expect_error(dns, "sip:", ERR_SYNTAX);
    expect_error(dns, "not a uri", ERR_SYNTAX);
    expect_error(dns, "tel:+15551234", ERR_UNSUPPORTED);
    expect_error(dns, "http://example.com", ERR_UNSUPPORTED);
    expect_error(dns, "sip:example.com;transport=sctp", ERR_UNSUPPORTED);
    expect_error(dns, "sips:example.com;transport=udp", ERR_UNSUPPORTED);
    expect_error(dns, "sip:nowhere.example", ERR_NOT_FOUND);
    expect_error(dns, "sip:nowhere.example:5060", ERR_NOT_FOUND);
    struct locate_hops hops;
    unsigned plain = 1u << NET_UDP | 1u << NET_TCP;
    assert_int_equal(plan_with(dns, (struct locate_request){.uri = SPAN("sips:192.0.2.1"), .transports = plain}, &hops),
                     ERR_UNSUPPORTED);
    assert_int_equal(
        plan_with(dns, (struct locate_request){.uri = SPAN("sip:192.0.2.1;transport=ws"), .transports = plain}, &hops),
        ERR_UNSUPPORTED);
    struct locate_request no_ip6 = {.uri = SPAN("sip:[::1]"), .no_ip6 = true};
    assert_int_equal(plan_with(dns, no_ip6, &hops), ERR_NOT_FOUND);
    free(dns);
}

static void test_a_port_means_addresses_only(void **state)
{
    (void)state;
    struct dns *dns = zone();
    dns_a(dns, "example.com", "192.0.2.1");
    dns_a(dns, "example.com", "192.0.2.2");
    dns_a(dns, "example.com", "2001:db8::1");
    dns_srv(dns, "_sip._udp.example.com", 0, 0, 1, "other.example");
    expect(dns, "sip:Example.COM:5070", "UDP 192.0.2.1:5070, UDP 192.0.2.2:5070, UDP [2001:db8::1]:5070");
    assert_int_equal(dns->asked_count, 2);
    expect(dns, "sip:example.com.:5070;transport=tcp",
           "TCP 192.0.2.1:5070, TCP 192.0.2.2:5070, TCP [2001:db8::1]:5070");
    struct locate_request ip6 = {.uri = SPAN("sip:example.com:5070"), .ip6_first = true};
    expect_with(dns, ip6, "UDP [2001:db8::1]:5070, UDP 192.0.2.1:5070, UDP 192.0.2.2:5070");
    ip6.no_ip4 = true;
    expect_with(dns, ip6, "UDP [2001:db8::1]:5070");
    assert_int_equal(dns->asked_count, 1);
    free(dns);
}

static void test_a_transport_means_its_srv_records(void **state)
{
    (void)state;
    struct dns *dns = zone();
    dns_srv(dns, "_sip._tcp.example.com", 0, 0, 5080, "a.example");
    dns_a(dns, "a.example", "192.0.2.1");
    dns_a(dns, "example.com", "192.0.2.99");
    expect(dns, "sip:example.com;transport=tcp", "TCP 192.0.2.1:5080");
    assert_string_equal(dns->asked[0].name, "_sip._tcp.example.com");
    expect(dns, "sip:example.com;transport=udp", "UDP 192.0.2.99:5060");
    expect(dns, "sip:example.com;transport=tls", "TLS 192.0.2.99:5061");
    expect(dns, "sip:example.com;transport=ws", "WS 192.0.2.99:80");
    free(dns);
}

static void test_naptr_says_which_service_first(void **state)
{
    (void)state;
    struct dns *dns = zone();
    dns_naptr(dns, "example.com", 50, 50, "SIPS+D2T", "_sips._tcp.example.com");
    dns_naptr(dns, "example.com", 100, 50, "SIP+D2U", "_sip._udp.example.com");
    dns_naptr(dns, "example.com", 90, 50, "SIP+D2T", "_sip._tcp.elsewhere.example");
    dns_naptr(dns, "example.com", 90, 20, "E2U+sip", "nonsense.example");
    dns_naptr(dns, "example.com", 1, 1, "SIP+D2S", "_sip._sctp.example.com");
    dns_srv(dns, "_sips._tcp.example.com", 0, 0, 5061, "a.example");
    dns_srv(dns, "_sip._tcp.elsewhere.example", 0, 0, 5062, "a.example");
    dns_srv(dns, "_sip._udp.example.com", 0, 0, 5063, "a.example");
    dns_a(dns, "a.example", "192.0.2.1");
    expect(dns, "sip:example.com", "TLS 192.0.2.1:5061, TCP 192.0.2.1:5062, UDP 192.0.2.1:5063");
    expect(dns, "sips:example.com", "TLS 192.0.2.1:5061");
    struct locate_request plain = {.uri = SPAN("sip:example.com"), .transports = 1u << NET_UDP | 1u << NET_TCP};
    expect_with(dns, plain, "TCP 192.0.2.1:5062, UDP 192.0.2.1:5063");
    free(dns);
}

static void test_naptr_records_of_no_use_are_passed_over(void **state)
{
    (void)state;
    struct dns *dns = zone();
    dns_naptr(dns, "example.com", 1, 1, "SIP+D2U", "_sip._udp.bad.example");
    dns_answer(dns, LOCATE_NAPTR, "example.com")->records[0].flag = 'u';
    dns_naptr(dns, "example.com", 2, 1, "SIP+D2U", "");
    dns_naptr(dns, "example.com", 3, 1, "X", "_sip._udp.bad.example");
    dns_srv(dns, "_sip._udp.bad.example", 0, 0, 1, "a.example");
    dns_srv(dns, "_sip._udp.example.com", 0, 0, 5063, "a.example");
    dns_a(dns, "a.example", "192.0.2.1");
    expect(dns, "sip:example.com", "UDP 192.0.2.1:5063");
    free(dns);
}

static void test_without_naptr_all_services_are_asked_for(void **state)
{
    (void)state;
    struct dns *dns = zone();
    dns_srv(dns, "_sip._udp.example.com", 0, 0, 5060, "a.example");
    dns_srv(dns, "_sip._tcp.example.com", 0, 0, 5060, "b.example");
    dns_srv(dns, "_sips._tcp.example.com", 0, 0, 5061, "b.example");
    dns_a(dns, "a.example", "192.0.2.1");
    dns_a(dns, "b.example", "192.0.2.2");
    expect(dns, "sip:example.com", "UDP 192.0.2.1:5060, TCP 192.0.2.2:5060, TLS 192.0.2.2:5061");
    expect(dns, "sips:example.com", "TLS 192.0.2.2:5061");
    dns_a(dns, "plain.example", "192.0.2.3");
    expect(dns, "sip:plain.example", "UDP 192.0.2.3:5060");
    expect(dns, "sips:plain.example", "TLS 192.0.2.3:5061");
    free(dns);
}

static void test_a_service_may_be_declared_absent(void **state)
{
    (void)state;
    struct dns *dns = zone();
    dns_srv(dns, "_sip._udp.example.com", 0, 0, 0, "");
    dns_a(dns, "example.com", "192.0.2.1");
    expect_error(dns, "sip:example.com;transport=udp", ERR_NOT_FOUND);
    expect(dns, "sip:example.com;transport=tcp", "TCP 192.0.2.1:5060");
    expect_error(dns, "sip:example.com", ERR_NOT_FOUND);
    free(dns);
}

static void test_priorities_come_before_weights(void **state)
{
    (void)state;
    struct dns *dns = zone();
    dns_srv(dns, "_sip._udp.example.com", 30, 1, 3, "a.example");
    dns_srv(dns, "_sip._udp.example.com", 10, 0, 1, "a.example");
    dns_srv(dns, "_sip._udp.example.com", 20, 65535, 2, "a.example");
    dns_srv(dns, "_sip._udp.example.com", 40, 0, 4, "missing.example");
    dns_a(dns, "a.example", "192.0.2.1");
    expect(dns, "sip:example.com;transport=udp", "UDP 192.0.2.1:1, UDP 192.0.2.1:2, UDP 192.0.2.1:3");
    free(dns);
}

static void test_large_requests_prefer_tcp_and_fall_back(void **state)
{
    (void)state;
    struct dns *dns = zone();
    struct locate_request request = {.uri = SPAN("sip:192.0.2.1"), .is_large = true};
    expect_with(dns, request, "TCP 192.0.2.1:5060, UDP 192.0.2.1:5060");
    request.uri = SPAN("sip:192.0.2.1:7;transport=udp");
    expect_with(dns, request, "TCP 192.0.2.1:7, UDP 192.0.2.1:7");
    request.uri = SPAN("sip:192.0.2.1;transport=tls");
    expect_with(dns, request, "TLS 192.0.2.1:5061");
    request = (struct locate_request){.uri = SPAN("sip:192.0.2.1"), .transports = 1u << NET_UDP, .is_large = true};
    expect_with(dns, request, "UDP 192.0.2.1:5060");
    free(dns);
}

static void test_aliases_are_followed_and_loops_end(void **state)
{
    (void)state;
    struct dns *dns = zone();
    dns_alias(dns, LOCATE_A, "www.example", "b.example");
    dns_alias(dns, LOCATE_A, "b.example", "c.example");
    dns_a(dns, "c.example", "192.0.2.1");
    expect(dns, "sip:www.example:5060", "UDP 192.0.2.1:5060");
    dns_alias(dns, LOCATE_A, "x.example", "y.example");
    dns_alias(dns, LOCATE_A, "y.example", "x.example");
    expect_error(dns, "sip:x.example:5060", ERR_IO);
    assert_true(dns->asked_count <= LOCATE_ALIASES_MAX + 2);
    dns_alias(dns, LOCATE_A, "odd.example", "not a name");
    expect_error(dns, "sip:odd.example:5060", ERR_NOT_FOUND);
    dns_alias(dns, LOCATE_SRV, "_sip._udp.example.com", "_sip._udp.other.example");
    dns_srv(dns, "_sip._udp.other.example", 0, 0, 9, "c.example");
    expect(dns, "sip:example.com;transport=udp", "UDP 192.0.2.1:9");
    /* A service that leads back to itself has no address. */
    dns_srv(dns, "_sip._udp.self.example", 0, 0, 9, "_sip._udp.self.example");
    expect_error(dns, "sip:self.example;transport=udp", ERR_NOT_FOUND);
    free(dns);
}

static void test_failures_are_told_apart(void **state)
{
    (void)state;
    struct dns *dns = zone();
    dns_status(dns, LOCATE_A, "down.example", LOCATE_FAILED);
    expect_error(dns, "sip:down.example:5060", ERR_IO);
    dns_status(dns, LOCATE_A, "slow.example", LOCATE_TIMED_OUT);
    expect_error(dns, "sip:slow.example:5060", ERR_TIMEOUT);
    /* What was found counts. */
    dns_a(dns, "down.example", "2001:db8::1");
    expect(dns, "sip:down.example:5060", "UDP [2001:db8::1]:5060");
    dns_status(dns, LOCATE_NAPTR, "half.example", LOCATE_FAILED);
    dns_status(dns, LOCATE_SRV, "_sip._udp.half.example", LOCATE_TIMED_OUT);
    dns_a(dns, "half.example", "192.0.2.1");
    expect(dns, "sip:half.example", "UDP 192.0.2.1:5060");
    dns_answer(dns, LOCATE_A, "empty.example");
    expect_error(dns, "sip:empty.example:5060", ERR_NOT_FOUND);
    free(dns);
}

static void test_huge_answers_are_cut(void **state)
{
    (void)state;
    struct dns *dns = zone();
    static char names[LOCATE_RECORDS_MAX][32], ip[32];
    for (unsigned i = 0; i < LOCATE_RECORDS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "s%u.example", i);
        dns_srv(dns, "_sip._udp.example.com", i, 0, 5060, names[i]);
        for (unsigned j = 0; i < 20 && j < LOCATE_RECORDS_MAX; j++) {
            snprintf(ip, sizeof(ip), "192.0.%u.%u", i, j);
            dns_a(dns, names[i], ip);
        }
    }
    struct locate_hops hops;
    struct locate_request request = {.uri = SPAN("sip:example.com;transport=udp")};
    assert_int_equal(plan_with(dns, request, &hops), OK);
    assert_int_equal(hops.count, LOCATE_HOPS_MAX);
    /* Four of the first, and the next one's turn. */
    assert_int_equal(hops.hops[LOCATE_PER_NAME_MAX].address.ip[2], 1);
    free(dns);
}

static void test_a_place_is_tried_once(void **state)
{
    (void)state;
    struct dns *dns = zone();
    dns_srv(dns, "_sip._udp.example.com", 1, 0, 5060, "a.example");
    dns_srv(dns, "_sip._udp.example.com", 2, 0, 5060, "b.example");
    dns_a(dns, "a.example", "192.0.2.1");
    dns_a(dns, "b.example", "192.0.2.1");
    expect(dns, "sip:example.com;transport=udp", "UDP 192.0.2.1:5060");
    free(dns);
}

/* RFC 2782: over many seeds each goes first as often as its weight says, one of weight 0 hardly ever. */
static void test_weights_are_kept_over_many_seeds(void **state)
{
    (void)state;
    enum { SEEDS = 20000 };
    static const unsigned weights[] = {0, 10, 20, 70};
    unsigned first[4] = {0}, second[4] = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct locate_record records[4];
        struct random random;
        random_seed(&random, seed);
        for (unsigned i = 0; i < 4; i++)
            records[i] = (struct locate_record){.weight = (uint16_t)weights[i], .port = (uint16_t)(i + 1)};
        locate_srv_order(records, 4, &random);
        first[records[0].port - 1]++;
        second[records[1].port - 1]++;
        assert_int_equal(records[0].port + records[1].port + records[2].port + records[3].port, 10);
    }
    assert_in_range(first[0], SEEDS / 101 / 2, SEEDS / 101 * 2);
    assert_in_range(first[1], SEEDS * 9 / 100, SEEDS * 11 / 100);
    assert_in_range(first[2], SEEDS * 18 / 100, SEEDS * 22 / 100);
    assert_in_range(first[3], SEEDS * 67 / 100, SEEDS * 72 / 100);
    assert_true(second[1] && second[2] && second[3]);
}

static void test_the_same_seed_gives_the_same_order(void **state)
{
    (void)state;
    struct locate_record a[6], b[6];
    for (uint64_t seed = 1; seed < 200; seed++) {
        struct random first, again;
        random_seed(&first, seed);
        random_seed(&again, seed);
        for (unsigned i = 0; i < 6; i++) {
            a[i] = (struct locate_record){.weight = (uint16_t)(i * 3), .port = (uint16_t)i, .order = i / 3};
            b[5 - i] = a[i]; /* whatever order the server chose */
        }
        locate_srv_order(a, 6, &first);
        locate_srv_order(b, 6, &again);
        for (unsigned i = 0; i < 6; i++)
            assert_int_equal(a[i].port, b[i].port);
    }
}

static void test_names_that_may_be_asked_for(void **state)
{
    (void)state;
    char label[80];
    memset(label, 'a', sizeof(label));
    assert_true(locate_name_is_fit(SPAN("_sip._udp.example.com")));
    assert_true(locate_name_is_fit(span_make(label, 63)));
    assert_false(locate_name_is_fit(span_make(label, 64)));
    assert_false(locate_name_is_fit(SPAN("")));
    assert_false(locate_name_is_fit(SPAN("a..b")));
    assert_false(locate_name_is_fit(SPAN(".a")));
    assert_false(locate_name_is_fit(SPAN("a.")));
    assert_false(locate_name_is_fit(SPAN("a\\032b")));
    char long_name[300];
    for (size_t i = 0; i < sizeof(long_name); i++)
        long_name[i] = i % 10 == 9 ? '.' : 'x';
    assert_false(locate_name_is_fit(span_make(long_name, 255)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numeric_hosts_ask_nothing),
        cmocka_unit_test(test_what_cannot_be_located),
        cmocka_unit_test(test_a_port_means_addresses_only),
        cmocka_unit_test(test_a_transport_means_its_srv_records),
        cmocka_unit_test(test_naptr_says_which_service_first),
        cmocka_unit_test(test_naptr_records_of_no_use_are_passed_over),
        cmocka_unit_test(test_without_naptr_all_services_are_asked_for),
        cmocka_unit_test(test_a_service_may_be_declared_absent),
        cmocka_unit_test(test_priorities_come_before_weights),
        cmocka_unit_test(test_large_requests_prefer_tcp_and_fall_back),
        cmocka_unit_test(test_aliases_are_followed_and_loops_end),
        cmocka_unit_test(test_failures_are_told_apart),
        cmocka_unit_test(test_huge_answers_are_cut),
        cmocka_unit_test(test_a_place_is_tried_once),
        cmocka_unit_test(test_weights_are_kept_over_many_seeds),
        cmocka_unit_test(test_the_same_seed_gives_the_same_order),
        cmocka_unit_test(test_names_that_may_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
