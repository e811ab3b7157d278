/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to the phone behind a GRUU, by themselves.  Whole requests by them: tests/integration/test_outbound.py. */
#include "support/cmocka_all.h"

#include "registrar/registrar_way.h"
#include <stdio.h>

static struct registrar_gruus *gruus;
static struct registrar_reach reach[REGISTRAR_WAYS_MAX];

static int set_up(void **state)
{
    (void)state;
    static const unsigned char secret[REGISTRAR_SECRET_LEN] = {1, 2, 3};
    assert_int_equal(registrar_gruus_new(secret, &gruus), OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    registrar_gruus_free(gruus);
    return 0;
}

static struct registrar_way *offer(const char *call_id, unsigned slot, struct span path)
{
    struct net_flow flow = {.transport = NET_TCP, .slot = slot};
    struct registrar_way *way = registrar_way_new(path.len ? NULL : &flow);
    assert_non_null(way);
    struct registrar_offer what = {.phone = {SPAN("a@example.com"), SPAN("<urn:uuid:AB>"), span_of(call_id)},
                                   .uri = SPAN("sip:a@x"),
                                   .path = path};
    assert_true(registrar_gruus_offer(gruus, way, &what));
    return way;
}

static unsigned find(const char *instance)
{
    struct registrar_phone phone = {.aor = SPAN("a@example.com"), .instance = span_of(instance)};
    return registrar_gruus_reach(gruus, &phone, SPAN(""), reach);
}

static void end(struct registrar_way *way)
{
    registrar_gruus_withdraw(gruus, way);
    registrar_way_free(way);
}

static void the_newest_come_first(void **state)
{
    (void)state;
    struct registrar_way *ways[6];
    for (unsigned i = 0; i < 6; i++)
        ways[i] = offer("one", i + 1, SPAN(""));
    assert_int_equal(find("urn:uuid:ab"), REGISTRAR_WAYS_MAX); /* in any case */
    for (unsigned i = 0; i < REGISTRAR_WAYS_MAX; i++)
        assert_int_equal(reach[i].flow.slot, 6 - i);
    end(ways[5]);
    end(ways[3]);
    assert_int_equal(find("urn:uuid:AB"), 4);
    assert_int_equal(reach[0].flow.slot, 5);
    assert_int_equal(reach[1].flow.slot, 3);
    assert_int_equal(find("urn:uuid:other"), 0);
    for (unsigned i = 0; i < 5; i++)
        if (i != 3)
            end(ways[i]);
    assert_int_equal(find("urn:uuid:AB"), 0);
}

static void texts_come_along(void **state)
{
    (void)state;
    struct registrar_way *way = offer("one", 0, SPAN("<sip:t@edge;lr;ob>"));
    assert_int_equal(find("urn:uuid:AB"), 1);
    end(way); /* what was found is a copy */
    assert_false(reach[0].is_direct);
    assert_true(span_equal(reach[0].aor, SPAN("a@example.com")));
    assert_true(span_equal(reach[0].uri, SPAN("sip:a@x")));
    assert_true(span_equal(reach[0].path, SPAN("<sip:t@edge;lr;ob>")));
}

/* A temporary one leads to contacts of the Call-ID that it was given under, and to no others. */
static void a_temporary_one_leads_to_its_call_id(void **state)
{
    (void)state;
    char text[REGISTRAR_GRUU_MAX * 2];
    struct buffer user = buffer_over(text, sizeof(text));
    struct registrar_phone phone = {SPAN("a@example.com"), SPAN("<urn:uuid:AB>"), SPAN("one")}, nobody = {0};
    struct registrar_way *one = offer("one", 1, SPAN("")), *two = offer("two", 2, SPAN(""));
    assert_int_equal(registrar_gruus_add(gruus, &phone, &user), OK);
    assert_int_equal(registrar_gruus_reach(gruus, &nobody, buffer_span(&user), reach), 1);
    assert_int_equal(reach[0].flow.slot, 1);
    end(one);
    assert_int_equal(registrar_gruus_reach(gruus, &nobody, buffer_span(&user), reach), 0);
    assert_int_equal(registrar_gruus_reach(gruus, &nobody, SPAN("forged"), reach), 0);
    end(two);
}

static void what_is_too_long_is_not_offered(void **state)
{
    (void)state;
    char path[REGISTRAR_WAY_TEXT_MAX + 1];
    memset(path, 'x', sizeof(path));
    struct registrar_way *way = registrar_way_new(NULL);
    struct registrar_offer what = {.phone = {SPAN("a@example.com"), SPAN("<urn:uuid:AB>"), SPAN("one")},
                                   .path = span_make(path, sizeof(path))};
    assert_false(registrar_gruus_offer(gruus, way, &what));
    assert_int_equal(find("urn:uuid:AB"), 0);
    end(way);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_newest_come_first),
        TEST(texts_come_along),
        TEST(a_temporary_one_leads_to_its_call_id),
        TEST(what_is_too_long_is_not_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
