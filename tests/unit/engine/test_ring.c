/* SPDX-License-Identifier: Apache-2.0 */
/* ok { ring = 2 }: 180 at once, 200 two seconds later, and everything that may come in between. */
#include "support/cmocka_all.h"
#include "unit/engine/support_engine.h"
#include <stdio.h>

static const char ring_policy[] =
    "return function(req) return ok { ring = 2, reason = \"Good Day\", headers = { [\"X-Kept\"] = \"yes\" } } end";
static const char at_once_policy[] = "return function(req) return ok { ring = true } end";

static struct world world;

static void expect(unsigned code, const char *part)
{
    if (world_code(&world) != code)
        fail_msg("expected %u, got: %.200s", code, world_last(&world));
    if (part && !strstr(world_last(&world), part))
        fail_msg("expected \"%s\" in: %s", part, world_last(&world));
}

static void invite(const char *call)
{
    world_receive(&world, request_to("INVITE", "sip:a@192.0.2.9", call, ""));
}

static void test_180_then_200(void **state)
{
    (void)state;
    world_open(&world, NULL, ring_policy);
    invite("a");
    expect(180, "\r\nContact: <sip:");
    invite("a"); /* a retransmission: the 180 again */
    expect(180, NULL);
    world_advance(&world, 1999);
    assert_int_equal(world_code(&world), 0);
    world_advance(&world, 1);
    expect(200, "SIP/2.0 200 Good Day\r\n");
    assert_non_null(strstr(world_last(&world), "\r\nX-Kept: yes\r\n"));
    assert_int_equal(call_table_count(world.core->calls), 1);
    world_close(&world);
}

static void test_a_cancel_in_between(void **state)
{
    (void)state;
    world_open(&world, NULL, ring_policy);
    invite("a");
    expect(180, NULL);
    world_receive(&world, request_to("CANCEL", "sip:a@192.0.2.9", "a", ""));
    bool refused = false;
    for (unsigned i = 0; i < world.sent_count; i++)
        refused = refused || strncmp(world.sent[i], "SIP/2.0 487", 11) == 0;
    assert_true(refused);
    world_advance(&world, 60000);
    assert_int_equal(call_table_count(world.core->calls), 0);
    assert_true(engine_core_is_idle(world.core));
    world_close(&world);
}

static void test_without_a_pause(void **state)
{
    (void)state;
    world_open(&world, NULL, at_once_policy);
    invite("a");
    expect(200, NULL);
    assert_int_equal(world.sent_count, 2);
    assert_int_equal(strncmp(world.sent[0], "SIP/2.0 180", 11), 0);
    world_close(&world);
}

static void test_an_end_in_between(void **state)
{
    (void)state;
    world_open(&world, NULL, ring_policy);
    invite("a");
    assert_false(engine_core_is_idle(world.core));
    call_table_shutdown(world.core->calls); /* another server may take the call */
    expect(503, "\r\nRetry-After: ");
    invite("b");
    world_close(&world); /* while one rings */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_180_then_200),
        cmocka_unit_test(test_a_cancel_in_between),
        cmocka_unit_test(test_without_a_pause),
        cmocka_unit_test(test_an_end_in_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
