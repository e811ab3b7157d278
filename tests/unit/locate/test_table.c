/* SPDX-License-Identifier: Apache-2.0 */
/* Searches, the questions that they share, the cache and its times. */
#include "support/failing_malloc.h"
#include "support_locate.h"

struct bench {
    struct fake_clock fake;
    struct dns dns;
    struct locate_table *table;
    unsigned told;
    enum err err;
    struct locate_hops hops;
};

static void remake(struct bench *bench, struct locate_options options)
{
    locate_table_free(bench->table);
    options.clock = &bench->fake.clock;
    options.wheel = &bench->fake.wheel;
    options.resolver = (struct locate_resolver){&bench->dns, dns_ask};
    options.key = (struct siphash_key){1, 2};
    options.seed = 7;
    assert_int_equal(locate_table_new(&options, &bench->table), OK);
    bench->dns.table = bench->table;
}

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    fake_clock_init(&bench->fake, NULL);
    remake(bench, (struct locate_options){0});
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(locate_table_census(bench->table).searches, 0);
    locate_table_free(bench->table);
    assert_int_equal(bench->fake.wheel.armed, 0);
    free(bench);
    return 0;
}

static void on_found(void *user, enum err err, const struct locate_hops *hops)
{
    struct bench *bench = user;
    bench->told++;
    bench->err = err;
    assert_true((err == OK) == (hops != NULL));
    if (hops)
        bench->hops = *hops;
}

static struct locate_search *find(struct bench *bench, const char *uri)
{
    struct locate_search *search = (void *)bench;
    struct locate_request request = {.uri = span_of(uri), .transports = 1u << NET_UDP | 1u << NET_TCP};
    assert_int_equal(locate_table_find(bench->table, &request, on_found, bench, &search), OK);
    return search;
}

static void turn(struct bench *bench)
{
    fake_clock_pass(&bench->fake, 0);
}

/* Answers all that is asked until nothing more is. */
static void serve(struct bench *bench, unsigned from)
{
    for (unsigned i = from; i < bench->dns.asked_count; i++) {
        dns_reply(&bench->dns, i);
        turn(bench);
    }
}

static void expect(struct bench *bench, const char *hops)
{
    assert_int_equal(bench->told, 1);
    assert_int_equal(bench->err, OK);
    assert_string_equal(hops_text(&bench->hops), hops);
    bench->told = 0;
}

static void test_a_number_is_told_at_once(void **state)
{
    struct bench *bench = *state;
    assert_null(find(bench, "sip:192.0.2.1;transport=tcp"));
    expect(bench, "TCP 192.0.2.1:5060");
    assert_null(find(bench, "tel:1"));
    assert_int_equal(bench->err, ERR_UNSUPPORTED);
    assert_int_equal(bench->dns.asked_count, 0);
}

static void test_the_whole_way_step_by_step(void **state)
{
    struct bench *bench = *state;
    dns_naptr(&bench->dns, "example.com", 1, 1, "SIP+D2T", "_sip._tcp.example.com");
    dns_srv(&bench->dns, "_sip._tcp.example.com", 2, 0, 5062, "b.example");
    dns_srv(&bench->dns, "_sip._tcp.example.com", 1, 0, 5061, "a.example");
    dns_a(&bench->dns, "a.example", "192.0.2.1");
    dns_a(&bench->dns, "b.example", "192.0.2.2");
    assert_non_null(find(bench, "sip:example.com"));
    assert_int_equal(bench->dns.asked_count, 1);
    dns_reply(&bench->dns, 0);
    assert_int_equal(bench->told, 0);
    turn(bench);
    assert_int_equal(bench->dns.asked_count, 2); /* the SRV records */
    dns_reply(&bench->dns, 1);
    turn(bench);
    assert_int_equal(bench->dns.asked_count, 6); /* all addresses at the same time */
    serve(bench, 2);
    expect(bench, "TCP 192.0.2.1:5061, TCP 192.0.2.2:5062");
    /* And all of it is known now. */
    assert_null(find(bench, "sip:example.com"));
    expect(bench, "TCP 192.0.2.1:5061, TCP 192.0.2.2:5062");
    assert_int_equal(bench->dns.asked_count, 6);
    assert_int_equal(locate_table_census(bench->table).cached, 6);
}

static void test_answers_last_as_long_as_they_say(void **state)
{
    struct bench *bench = *state;
    dns_a(&bench->dns, "a.example", "192.0.2.1");
    dns_answer(&bench->dns, LOCATE_A, "a.example")->answer.ttl_s = 20;
    find(bench, "sip:a.example:5060");
    serve(bench, 0);
    expect(bench, "UDP 192.0.2.1:5060");
    fake_clock_pass(&bench->fake, 19999);
    assert_null(find(bench, "sip:a.example:5060"));
    assert_int_equal(bench->dns.asked_count, 2);
    fake_clock_pass(&bench->fake, 1);
    bench->told = 0;
    assert_non_null(find(bench, "sip:a.example:5060"));
    assert_int_equal(bench->dns.asked_count, 3); /* the AAAA's absence lasts for 30 s */
    serve(bench, 2);
    expect(bench, "UDP 192.0.2.1:5060");
}

static void test_an_answer_that_may_not_be_kept_serves_who_asked(void **state)
{
    struct bench *bench = *state;
    dns_a(&bench->dns, "a.example", "192.0.2.1");
    dns_answer(&bench->dns, LOCATE_A, "a.example")->answer.ttl_s = 0;
    find(bench, "sip:a.example:5060");
    find(bench, "sip:a.example:5070");
    assert_int_equal(bench->dns.asked_count, 2); /* one question for both */
    serve(bench, 0);
    assert_int_equal(bench->told, 2);
    assert_int_equal(bench->err, OK);
    assert_non_null(find(bench, "sip:a.example:5060"));
    assert_int_equal(bench->dns.asked_count, 3);
    serve(bench, 2);
    assert_int_equal(bench->told, 3);
}

static void test_failures_are_remembered_for_a_little(void **state)
{
    struct bench *bench = *state;
    dns_status(&bench->dns, LOCATE_A, "a.example", LOCATE_FAILED);
    dns_status(&bench->dns, LOCATE_AAAA, "a.example", LOCATE_FAILED);
    find(bench, "sip:a.example:5060");
    serve(bench, 0);
    assert_int_equal(bench->err, ERR_IO);
    assert_null(find(bench, "sip:a.example:5060"));
    assert_int_equal(bench->dns.asked_count, 2);
    fake_clock_pass(&bench->fake, 5000);
    assert_non_null(find(bench, "sip:a.example:5060"));
    serve(bench, 2);
    assert_int_equal(bench->told, 3);
}

static void test_a_silent_dns_ends_a_search_in_time(void **state)
{
    struct bench *bench = *state;
    find(bench, "sip:a.example:5060");
    fake_clock_pass(&bench->fake, 3999);
    assert_int_equal(bench->told, 0);
    fake_clock_pass(&bench->fake, 1);
    assert_int_equal(bench->told, 1);
    assert_int_equal(bench->err, ERR_TIMEOUT);
    assert_int_equal(locate_table_counters(bench->table)->timeouts, 1);
    /* An answer that comes late is kept for the next. */
    dns_a(&bench->dns, "a.example", "192.0.2.1");
    serve(bench, 0);
    bench->told = 0;
    assert_null(find(bench, "sip:a.example:5060"));
    expect(bench, "UDP 192.0.2.1:5060");
}

static void test_half_of_the_answers_are_better_than_none(void **state)
{
    struct bench *bench = *state;
    dns_a(&bench->dns, "a.example", "192.0.2.1");
    find(bench, "sip:a.example:5060");
    dns_reply(&bench->dns, 0);
    fake_clock_pass(&bench->fake, 4000);
    expect(bench, "UDP 192.0.2.1:5060");
    serve(bench, 1);
}

static void test_a_cancelled_search_is_not_told(void **state)
{
    struct bench *bench = *state;
    dns_a(&bench->dns, "a.example", "192.0.2.1");
    locate_search_cancel(find(bench, "sip:a.example:5060"));
    struct locate_search *woken = find(bench, "sip:a.example:5060");
    dns_reply(&bench->dns, 0);
    locate_search_cancel(woken);
    serve(bench, 1);
    assert_int_equal(bench->told, 0);
}

static void test_a_prompt_resolver_and_one_that_refuses(void **state)
{
    struct bench *bench = *state;
    bench->dns.is_prompt = true;
    dns_srv(&bench->dns, "_sip._udp.example.com", 1, 0, 5061, "a.example");
    dns_a(&bench->dns, "a.example", "192.0.2.1");
    assert_null(find(bench, "sip:example.com"));
    expect(bench, "UDP 192.0.2.1:5061");
    bench->dns.refuse = ERR_CLOSED;
    assert_null(find(bench, "sip:other.example"));
    assert_int_equal(bench->err, ERR_IO);
    assert_int_equal(locate_table_census(bench->table).questions, 0);
}

static void test_unknown_answers_are_ignored(void **state)
{
    struct bench *bench = *state;
    struct locate_answer answer = {.status = LOCATE_FOUND};
    locate_table_answer(bench->table, 0, &answer);
    locate_table_answer(bench->table, 99, &answer);
    dns_a(&bench->dns, "a.example", "192.0.2.1");
    find(bench, "sip:a.example:5060");
    serve(bench, 0);
    dns_reply(&bench->dns, 0); /* twice */
    expect(bench, "UDP 192.0.2.1:5060");
}

static void test_every_table_has_its_cap(void **state)
{
    struct bench *bench = *state;
    struct locate_search *search;
    remake(bench, (struct locate_options){.search_cap = 2, .question_cap = 3, .cache_cap = 2});
    struct locate_request request = {.uri = SPAN("sip:c.example:1"), .transports = 1u << NET_UDP};
    find(bench, "sip:a.example:1");
    find(bench, "sip:b.example:1"); /* the fourth question is not asked: what is known has to do */
    assert_int_equal(bench->told, 1);
    assert_int_equal(bench->err, ERR_TIMEOUT);
    find(bench, "sip:a.example:2");
    assert_int_equal(locate_table_find(bench->table, &request, on_found, bench, &search), ERR_FULL);
    assert_int_equal(locate_table_counters(bench->table)->refused_full, 1);
    assert_int_equal(bench->dns.asked_count, 3);
    serve(bench, 0);
    assert_int_equal(bench->told, 3);
    assert_int_equal(locate_table_census(bench->table).cached, 2);
    char uri[LOCATE_URI_MAX + 100];
    memset(uri, 'a', sizeof(uri));
    request.uri = span_make(uri, sizeof(uri));
    assert_int_equal(locate_table_find(bench->table, &request, on_found, bench, &search), ERR_TOO_LONG);
}

/* A zone whose every answer asks for more: each search ends all the same. */
static void test_a_search_asks_a_bounded_number_of_questions(void **state)
{
    struct bench *bench = *state;
    static char names[LOCATE_RECORDS_MAX][32];
    for (unsigned i = 0; i < LOCATE_RECORDS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "s%u.example", i);
        dns_srv(&bench->dns, "_sip._udp.example.com", i, 0, 5060, names[i]);
    }
    bench->dns.is_prompt = true;
    assert_null(find(bench, "sip:example.com;transport=udp"));
    assert_int_equal(bench->told, 1);
    assert_true(bench->err != OK);
    assert_true(bench->dns.asked_count <= LOCATE_ENTRIES_MAX);
}

static void test_what_failed_of_late_comes_last(void **state)
{
    struct bench *bench = *state;
    struct locate_hop hop = {.transport = NET_UDP};
    dns_a(&bench->dns, "a.example", "192.0.2.1");
    dns_a(&bench->dns, "a.example", "192.0.2.2");
    dns_answer(&bench->dns, LOCATE_A, "a.example")->answer.ttl_s = 999999999;
    dns_answer(&bench->dns, LOCATE_AAAA, "a.example")->answer = (struct locate_answer){LOCATE_NONE, 999999999, 0, NULL};
    assert_int_equal(net_address_parse(SPAN("192.0.2.1:5060"), 0, &hop.address), OK);
    locate_table_avoid(bench->table, &hop, 32000);
    find(bench, "sip:a.example:5060");
    serve(bench, 0);
    expect(bench, "UDP 192.0.2.2:5060, UDP 192.0.2.1:5060");
    fake_clock_pass(&bench->fake, 32000);
    find(bench, "sip:a.example:5060");
    expect(bench, "UDP 192.0.2.1:5060, UDP 192.0.2.2:5060");
    locate_table_avoid(bench->table, &hop, UINT64_MAX);
    fake_clock_pass(&bench->fake, LOCATE_AVOID_MAX_MS);
    find(bench, "sip:a.example:5060");
    expect(bench, "UDP 192.0.2.1:5060, UDP 192.0.2.2:5060");
    /* More than there is room for: the one that would be forgiven first goes. */
    locate_table_avoid(bench->table, &hop, 1000);
    for (unsigned i = 0; i < LOCATE_AVOID_MAX; i++) {
        hop.address.port = (uint16_t)(10000 + i);
        locate_table_avoid(bench->table, &hop, 2000 + i);
    }
    find(bench, "sip:a.example:5060");
    expect(bench, "UDP 192.0.2.1:5060, UDP 192.0.2.2:5060");
}

/* Every allocation fails in turn: a search is refused, or ends with an error, and nothing leaks. */
static void test_out_of_memory(void **state)
{
    struct bench *bench = *state;
    bench->dns.is_prompt = true;
    dns_srv(&bench->dns, "_sip._udp.example.com", 1, 0, 5061, "a.example");
    dns_a(&bench->dns, "a.example", "192.0.2.1");
    bool succeeded = false;
    for (unsigned nth = 1; nth < 100 && !succeeded; nth++) {
        struct locate_search *search = NULL;
        struct locate_request request = {.uri = SPAN("sip:example.com"), .transports = 1u << NET_UDP};
        remake(bench, (struct locate_options){0});
        bench->told = 0;
        failing_malloc_at(nth);
        enum err err = locate_table_find(bench->table, &request, on_found, bench, &search);
        bool failed = failing_malloc_off();
        assert_null(search);
        assert_int_equal(bench->told, err == OK);
        succeeded = !failed && err == OK && bench->err == OK;
    }
    assert_true(succeeded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_a_number_is_told_at_once),
        TEST(test_the_whole_way_step_by_step),
        TEST(test_answers_last_as_long_as_they_say),
        TEST(test_an_answer_that_may_not_be_kept_serves_who_asked),
        TEST(test_failures_are_remembered_for_a_little),
        TEST(test_a_silent_dns_ends_a_search_in_time),
        TEST(test_half_of_the_answers_are_better_than_none),
        TEST(test_a_cancelled_search_is_not_told),
        TEST(test_a_prompt_resolver_and_one_that_refuses),
        TEST(test_unknown_answers_are_ignored),
        TEST(test_every_table_has_its_cap),
        TEST(test_a_search_asks_a_bounded_number_of_questions),
        TEST(test_what_failed_of_late_comes_last),
        TEST(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
