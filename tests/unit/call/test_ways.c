/* SPDX-License-Identifier: Apache-2.0 */
/* Which way our BYE goes: connection, located places, the flow that the call came by; and what makes it take the next. */
#include "support_call.h"
#include "unit/locate/support_locate.h"

struct ways_bench {
    struct call_bench *call;
    struct dns dns;
    struct locate_table *locator;
    bool is_open;                   /* the connection that calls come by */
    const char *inner;              /* an address that may not be reached, or NULL */
    enum net_transport unreachable; /* NET_TRANSPORT_COUNT: none */
    unsigned opened;
    uint32_t slots;
};

static bool is_open(void *ctx, const struct net_flow *flow)
{
    (void)flow;
    return ((struct ways_bench *)ctx)->is_open;
}

static bool may_reach(void *ctx, const struct net_address *address)
{
    const struct ways_bench *bench = ctx;
    struct net_address inner;
    if (!bench->inner)
        return true;
    assert_int_equal(net_address_parse_ip(span_of(bench->inner), 0, &inner), OK);
    return !net_address_equal_ip(&inner, address);
}

static enum err open_way(void *ctx, const struct locate_hop *hop, struct span name, struct net_flow *out_flow)
{
    struct ways_bench *bench = ctx;
    assert_true(name.len > 0);
    if (hop->transport == bench->unreachable)
        return ERR_IO;
    bench->opened++;
    *out_flow = (struct net_flow){.transport = hop->transport, .outgoing = 1, .remote = hop->address};
    if (hop->transport != NET_UDP)
        out_flow->slot = ++bench->slots + 1000;
    return OK;
}

static int setup(void **state)
{
    struct ways_bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->call = bench_new(0);
    bench->unreachable = NET_TRANSPORT_COUNT;
    bench->call->tcp.slot = 7;
    struct locate_options options = {.clock = &bench->call->fake.clock,
                                     .wheel = &bench->call->fake.wheel,
                                     .resolver = {&bench->dns, dns_ask},
                                     .seed = 5};
    assert_int_equal(locate_table_new(&options, &bench->locator), OK);
    bench->dns.table = bench->locator;
    struct call_options calls = bench_call_options(bench->call, 0);
    calls.ways = (struct errand_ways){.ctx = bench,
                                      .locator = bench->locator,
                                      .transports = 1u << NET_UDP | 1u << NET_TCP,
                                      .is_open = is_open,
                                      .may_reach = may_reach,
                                      .open = open_way};
    call_table_free(bench->call->calls);
    assert_int_equal(call_table_new(&calls, &bench->call->calls), OK);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct ways_bench *bench = *state;
    bench_teardown((void **)&bench->call);
    assert_int_equal(locate_table_census(bench->locator).searches, 0);
    locate_table_free(bench->locator);
    free(bench);
    return 0;
}

/* A call that is up, and is hung up. */
static void hang_up(struct ways_bench *bench, const struct net_flow *flow, struct sip_ask ask)
{
    ask.body = BENCH_OFFER;
    bench_invite(bench->call, flow, ask);
    bench_ack(bench->call, flow);
    fake_wire_clear(&bench->call->wire);
    call_hangup(bench->call->call, span_make(NULL, 0));
}

/* Everything that was asked by now. */
static void serve(struct ways_bench *bench)
{
    for (unsigned i = 0; i < bench->dns.asked_count; i++) {
        dns_reply(&bench->dns, i);
        fake_clock_pass(&bench->call->fake, 0);
    }
}

static void expect_bye(struct ways_bench *bench, const char *where)
{
    struct call_bench *call = bench->call;
    assert_true(call->wire.count > 0);
    const struct fake_sent *sent = &call->wire.sent[call->wire.count - 1];
    char text[NET_ADDRESS_TEXT_MAX], whole[NET_ADDRESS_TEXT_MAX + 8], via[32];
    const char *transport = net_transport_name((enum net_transport)sent->flow.transport);
    net_address_text(&sent->flow.remote, text);
    snprintf(whole, sizeof(whole), "%s %s", transport, text);
    assert_string_equal(whole, where);
    assert_memory_equal(sent->bytes.at, "BYE ", 4);
    snprintf(via, sizeof(via), "\r\nVia: SIP/2.0/%s ", transport);
    assert_non_null(strstr(sent->bytes.at, via));
    assert_non_null(strstr(sent->bytes.at, "\r\nCSeq: 1 BYE\r\n"));
}

static void expect_end(struct ways_bench *bench, unsigned sent, unsigned failures)
{
    const struct call_counters *counters = call_table_counters(bench->call->calls);
    assert_int_equal(bench->call->ends, 1);
    assert_int_equal(counters->byes_sent, sent);
    assert_int_equal(counters->bye_failures, failures);
    fake_clock_pass(&bench->call->fake, 100000);
    bench_assert_empty(bench->call);
}

static void test_a_numeric_target_needs_no_question(void **state)
{
    struct ways_bench *bench = *state;
    hang_up(bench, &bench->call->udp, (struct sip_ask){.contact = "<sip:alice@192.0.2.77:5090>"});
    expect_bye(bench, "UDP 192.0.2.77:5090");
    assert_int_equal(bench->dns.asked_count, 0);
    bench_answer_bye(bench->call, 200);
    expect_end(bench, 1, 0);
}

static void test_a_name_is_located(void **state)
{
    struct ways_bench *bench = *state;
    dns_srv(&bench->dns, "_sip._tcp.phone.example", 1, 0, 5070, "a.example");
    dns_a(&bench->dns, "a.example", "192.0.2.50");
    hang_up(bench, &bench->call->udp, (struct sip_ask){.contact = "<sip:alice@phone.example;transport=tcp>"});
    assert_int_equal(bench->call->wire.count, 0); /* not before it is known where to */
    assert_int_equal(call_table_count(bench->call->calls), 1);
    serve(bench);
    expect_bye(bench, "TCP 192.0.2.50:5070");
    bench_answer_bye(bench->call, 481);
    expect_end(bench, 1, 0);
}

static void test_the_route_goes_before_the_target(void **state)
{
    struct ways_bench *bench = *state;
    hang_up(bench, &bench->call->udp,
            (struct sip_ask){.contact = "<sip:alice@phone.example>",
                             .extra = "Record-Route: <sip:192.0.2.66:5066;lr>, <sip:192.0.2.67;lr>\r\n"});
    expect_bye(bench, "UDP 192.0.2.66:5066");
    bench_answer_bye(bench->call, 200);
    expect_end(bench, 1, 0);
}

static void test_a_contact_reaches_no_inner_address(void **state)
{
    struct ways_bench *bench = *state;
    bench->inner = "10.0.0.1";
    dns_a(&bench->dns, "phone.example", "10.0.0.1");
    hang_up(bench, &bench->call->udp, (struct sip_ask){.contact = "<sip:alice@phone.example:5060>"});
    serve(bench);
    assert_int_equal(bench->opened, 0);
    expect_bye(bench, "UDP 192.0.2.9:5060");
    bench_answer_bye(bench->call, 200);
    expect_end(bench, 1, 0);
}

static void test_an_open_connection_goes_first(void **state)
{
    struct ways_bench *bench = *state;
    bench->is_open = true;
    hang_up(bench, &bench->call->tcp, (struct sip_ask){.contact = "<sip:alice@192.0.2.77>"});
    expect_bye(bench, "TCP 192.0.2.9:40000");
    assert_int_equal(bench->opened, 0);
    bench_answer_bye(bench->call, 200);
    expect_end(bench, 1, 0);
}

/* RFC 5626 4.3: "ob" asks for the flow; a GRUU's host is no phone.  Only when the flow is silent is the address tried. */
static void test_a_contact_with_ob_is_reached_by_its_flow(void **state)
{
    struct ways_bench *bench = *state;
    char home[NET_ADDRESS_TEXT_MAX], whole[NET_ADDRESS_TEXT_MAX + 8];
    net_address_text(&bench->call->udp.remote, home);
    snprintf(whole, sizeof(whole), "UDP %s", home);
    hang_up(bench, &bench->call->udp, (struct sip_ask){.contact = "<sip:alice@192.0.2.77:5090;ob>"});
    expect_bye(bench, whole);
    assert_int_equal(bench->opened, 0);
    fake_clock_pass(&bench->call->fake, 32000);
    expect_bye(bench, "UDP 192.0.2.77:5090");
    bench_answer_bye(bench->call, 200);
    expect_end(bench, 1, 0);
}

static void test_a_gruu_is_reached_by_the_flow(void **state)
{
    struct ways_bench *bench = *state;
    char home[NET_ADDRESS_TEXT_MAX], whole[NET_ADDRESS_TEXT_MAX + 8];
    net_address_text(&bench->call->udp.remote, home);
    snprintf(whole, sizeof(whole), "UDP %s", home);
    hang_up(bench, &bench->call->udp, (struct sip_ask){.contact = "<sip:alice@192.0.2.77:5090;gr=urn:uuid:1>"});
    expect_bye(bench, whole);
    bench_answer_bye(bench->call, 200);
    expect_end(bench, 1, 0);
}

static void test_a_connection_that_has_gone_is_left_for_the_target(void **state)
{
    struct ways_bench *bench = *state;
    hang_up(bench, &bench->call->tcp, (struct sip_ask){.contact = "<sip:alice@192.0.2.77;transport=tcp>"});
    expect_bye(bench, "TCP 192.0.2.77:5060");
    bench_answer_bye(bench->call, 200);
    expect_end(bench, 1, 0);
}

/* It ends while our BYE is on it; the same connection by its slot, whatever port an answer's way has. */
static void test_a_connection_that_ends_sends_it_on(void **state)
{
    struct ways_bench *bench = *state;
    bench->is_open = true;
    hang_up(bench, &bench->call->tcp, (struct sip_ask){.contact = "<sip:alice@192.0.2.77>"});
    expect_bye(bench, "TCP 192.0.2.9:40000");
    bench->is_open = false;
    struct net_flow closed = bench->call->tcp;
    closed.slot++;
    call_table_flow_closed(bench->call->calls, &closed);
    assert_int_equal(bench->call->wire.count, 1);
    closed.slot--;
    closed.remote.port++;
    call_table_flow_closed(bench->call->calls, &closed);
    expect_bye(bench, "UDP 192.0.2.77:5060");
    call_table_flow_closed(bench->call->calls, &closed);
    assert_int_equal(bench->call->wire.count, 2);
    bench_answer_bye(bench->call, 200);
    expect_end(bench, 1, 0);
}

static void servers(struct ways_bench *bench)
{
    dns_srv(&bench->dns, "_sip._udp.phone.example", 1, 0, 5061, "a.example");
    dns_srv(&bench->dns, "_sip._udp.phone.example", 2, 0, 5062, "a.example");
    dns_a(&bench->dns, "a.example", "192.0.2.50");
    hang_up(bench, &bench->call->udp, (struct sip_ask){.contact = "<sip:alice@phone.example;transport=udp>"});
    serve(bench);
    expect_bye(bench, "UDP 192.0.2.50:5061");
}

static const char *branch_of(const char *text)
{
    return strstr(text, ";branch=");
}

static void test_503_sends_it_to_the_next_with_a_new_branch(void **state)
{
    struct ways_bench *bench = *state;
    servers(bench);
    bench_answer_bye(bench->call, 503);
    expect_bye(bench, "UDP 192.0.2.50:5062");
    assert_memory_not_equal(branch_of(fake_wire_text(&bench->call->wire, 0)),
                            branch_of(fake_wire_text(&bench->call->wire, 1)), 8 + TXN_BRANCH_LEN);
    bench_answer_bye(bench->call, 503);
    expect_bye(bench, "UDP 192.0.2.9:5060"); /* the flow comes last */
    bench_answer_bye(bench->call, 503);
    expect_end(bench, 1, 0);
}

static void test_other_refusals_end_it(void **state)
{
    struct ways_bench *bench = *state;
    servers(bench);
    bench_answer_bye(bench->call, 408);
    expect_end(bench, 1, 0);
    assert_int_equal(bench->opened, 1);
}

static void test_a_timeout_sends_it_to_the_next_and_is_remembered(void **state)
{
    struct ways_bench *bench = *state;
    servers(bench);
    fake_clock_pass(&bench->call->fake, 32000);
    expect_bye(bench, "UDP 192.0.2.50:5062");
    bench_answer_bye(bench->call, 200);
    assert_int_equal(bench->call->ends, 1);
    bench->call->ends = 0;
    /* The next call does not wait for the dead one. */
    hang_up(bench, &bench->call->udp,
            (struct sip_ask){
                .contact = "<sip:alice@phone.example;transport=udp>", .call_id = "call-2", .branch = "z9hG4bK-2"});
    assert_int_equal(bench->dns.asked_count, 3);
}

static void test_all_ways_fail(void **state)
{
    struct ways_bench *bench = *state;
    servers(bench);
    fake_clock_pass(&bench->call->fake, 64000);
    expect_bye(bench, "UDP 192.0.2.9:5060");
    fake_clock_pass(&bench->call->fake, 32000);
    expect_end(bench, 1, 1);
}

static void test_nothing_is_known_and_the_flow_serves(void **state)
{
    struct ways_bench *bench = *state;
    hang_up(bench, &bench->call->udp, (struct sip_ask){.contact = "<sip:alice@nowhere.example>"});
    fake_clock_pass(&bench->call->fake, 4000); /* the DNS is silent */
    expect_bye(bench, "UDP 192.0.2.9:5060");
    bench_answer_bye(bench->call, 200);
    expect_end(bench, 1, 0);
}

static void test_a_large_bye_goes_by_tcp_and_falls_back(void **state)
{
    struct ways_bench *bench = *state;
    char contact[1500];
    snprintf(contact, sizeof(contact), "<sip:%01200d@192.0.2.99>", 0);
    hang_up(bench, &bench->call->udp,
            (struct sip_ask){.contact = contact, .extra = "Record-Route: <sip:192.0.2.77;lr>\r\n"});
    expect_bye(bench, "TCP 192.0.2.77:5060");
    struct net_flow refused = bench->call->wire.sent[0].flow;
    call_table_flow_closed(bench->call->calls, &refused);
    expect_bye(bench, "UDP 192.0.2.77:5060");
    bench_answer_bye(bench->call, 200);
    expect_end(bench, 1, 0);
}

static void test_a_way_that_cannot_be_opened_is_passed_over(void **state)
{
    struct ways_bench *bench = *state;
    bench->unreachable = NET_TCP;
    hang_up(bench, &bench->call->udp, (struct sip_ask){.contact = "<sip:alice@192.0.2.77;transport=tcp>"});
    expect_bye(bench, "UDP 192.0.2.9:5060");
    bench_answer_bye(bench->call, 200);
    expect_end(bench, 1, 0);
}

static void test_a_call_freed_while_it_looks(void **state)
{
    struct ways_bench *bench = *state;
    hang_up(bench, &bench->call->udp, (struct sip_ask){.contact = "<sip:alice@phone.example>"});
    assert_int_equal(locate_table_census(bench->locator).searches, 1);
    call_table_free(bench->call->calls);
    assert_int_equal(locate_table_census(bench->locator).searches, 0);
    bench->call->calls = NULL;
}

/* The slab fails at each take of the hang-up: the call ends, at once or later, and nothing is left. */
static void test_out_of_memory(void **state)
{
    struct ways_bench *bench = *state;
    for (unsigned nth = 1; nth <= 4; nth++) {
        char call_id[16], branch[32];
        snprintf(call_id, sizeof(call_id), "call-%u", nth);
        snprintf(branch, sizeof(branch), "z9hG4bK-m%u", nth);
        bench_invite(
            bench->call, &bench->call->udp,
            (struct sip_ask){
                .contact = "<sip:alice@192.0.2.77>", .call_id = call_id, .branch = branch, .body = BENCH_OFFER});
        struct sip_ask ack = {.method = "ACK", .branch = "z9hG4bK-ack", .to_tag = bench->call->tag, .call_id = call_id};
        assert_int_equal(bench_request(bench->call, &bench->call->udp, ack), TXN_ACK_FOR_CALL);
        txn_slab_fail_at(txn_table_slab(bench->call->txns), nth);
        call_hangup(bench->call->call, span_make(NULL, 0));
        txn_slab_fail_at(txn_table_slab(bench->call->txns), 0);
        fake_clock_pass(&bench->call->fake, 200000);
        assert_int_equal(bench->call->ends, nth);
        bench_assert_empty(bench->call);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_a_numeric_target_needs_no_question),
        TEST(test_a_name_is_located),
        TEST(test_the_route_goes_before_the_target),
        TEST(test_a_contact_reaches_no_inner_address),
        TEST(test_an_open_connection_goes_first),
        TEST(test_a_contact_with_ob_is_reached_by_its_flow),
        TEST(test_a_gruu_is_reached_by_the_flow),
        TEST(test_a_connection_that_has_gone_is_left_for_the_target),
        TEST(test_a_connection_that_ends_sends_it_on),
        TEST(test_503_sends_it_to_the_next_with_a_new_branch),
        TEST(test_other_refusals_end_it),
        TEST(test_a_timeout_sends_it_to_the_next_and_is_remembered),
        TEST(test_all_ways_fail),
        TEST(test_nothing_is_known_and_the_flow_serves),
        TEST(test_a_large_bye_goes_by_tcp_and_falls_back),
        TEST(test_a_way_that_cannot_be_opened_is_passed_over),
        TEST(test_a_call_freed_while_it_looks),
        TEST(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
