/* SPDX-License-Identifier: Apache-2.0 */
/* What was answered is on disk: order, crashes, removal, and a journal that stays short. */
#include "support_registrar.h"

/* Rows go with the value that they are in: as many as may fit into one. */
enum { PACK = 240 };

static void nothing_is_answered_before_it_is_kept(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    assert_int_equal(bench_register(bench, "sip:alice@example.com", "<sip:a@192.0.2.1>;expires=600", "c", 1),
                     ERR_AGAIN);
    assert_int_equal(bench->wire.count, 0);
    assert_string_equal(bench_bindings(bench, "alice@example.com"), "");
    bench_commit(bench);
    assert_int_equal(bench->kept, 1);
    assert_int_equal(bench->wire.count, 1);
    assert_non_null(strstr(fake_wire_text(&bench->wire, 0), "Contact: <sip:a@192.0.2.1>;expires=600\r\n"));
    assert_string_equal(bench_bindings(bench, "alice@example.com"), "sip:a@192.0.2.1");
    /* What changes nothing waits for no disk. */
    assert_int_equal(bench_register(bench, "sip:alice@example.com", NULL, "c", 2), OK);
    assert_int_equal(bench_register(bench, "sip:alice@example.com", "<sip:none@192.0.2.1>;expires=0", "c", 3), OK);
    assert_int_equal(bench->wire.count, 3);
}

static void a_user_s_changes_follow_each_other(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    assert_int_equal(bench_register(bench, "sip:alice@example.com", "<sip:a@192.0.2.1>", "c", 1), ERR_AGAIN);
    assert_int_equal(bench_register(bench, "sip:alice@example.com", "<sip:a@192.0.2.2>", "c", 2), ERR_BUSY);
    assert_int_equal(bench_register(bench, "sip:alice@example.com", NULL, "c", 3), ERR_BUSY);
    assert_int_equal(bench_register(bench, "sip:alice@example.com", "<sip:a@192.0.2.1>;expires=0", "c", 4), ERR_BUSY);
    assert_int_equal(bench_register(bench, "sip:bob@example.com", "<sip:b@192.0.2.1>", "c", 1), ERR_AGAIN);
    bench_commit(bench);
    assert_string_equal(bench->order, "krkkrrk"); /* the second k is bob's */
    assert_string_equal(bench_bindings(bench, "alice@example.com"), "sip:a@192.0.2.2");
    assert_string_equal(bench_bindings(bench, "bob@example.com"), "sip:b@192.0.2.1");
    struct registrar_census census;
    registrar_census(bench->registrar, &census);
    assert_int_equal(census.waiting, 0);
}

static void reopen(struct bench *bench)
{
    bench_close(bench);
    bench_open(bench);
}

static void what_was_kept_outlives_a_crash(void **state)
{
    struct bench *bench = *state;
    char aor[64], contact[160];
    bench_open(bench);
    for (int i = 0; i < 500; i++) {
        snprintf(aor, sizeof(aor), "sip:user%d@example.com", i);
        snprintf(contact, sizeof(contact),
                 "<sip:u%d@192.0.2.1;transport=tcp>;q=0.5;+sip.instance=\"<urn:uuid:%d>\";reg-id=1;expires=%d", i, i,
                 1000 + i);
        assert_int_equal(bench_register(bench, aor, contact, "call", 7), ERR_AGAIN);
    }
    bench_commit(bench);
    assert_int_equal(bench->kept, 500);
    assert_int_equal(bench_register(bench, "sip:user1@example.com", "*\r\nExpires: 0", "call", 8), ERR_AGAIN);
    assert_int_equal(bench_register(bench, "sip:user2@example.com", "<sip:more@192.0.2.2>", "other", 1), ERR_AGAIN);
    bench_commit(bench);
    assert_int_equal(bench_register(bench, "sip:lost@example.com", "<sip:more@192.0.2.2>", "other", 1), ERR_AGAIN);
    /* The process ends here, and the machine is off for 1,000 s. */
    bench_close(bench);
    fake_clock_leap(&bench->fake, 1000000);
    bench->fake.clock.mono_ms = 5; /* another boot */
    wheel_init(&bench->fake.wheel, 5, NULL);
    bench_open(bench);
    assert_string_equal(bench_bindings(bench, "user0@example.com"), ""); /* has expired meanwhile */
    assert_string_equal(bench_bindings(bench, "user1@example.com"), "");
    assert_string_equal(
        bench_bindings(bench, "user2@example.com"),
        "sip:u2@192.0.2.1;transport=tcp;q=0.5;+sip.instance=\"<urn:uuid:2>\";reg-id=1|sip:more@192.0.2.2");
    struct registrar_census census;
    registrar_census(bench->registrar, &census);
    assert_in_range(census.users, 498, 499); /* the lost one may have got through: nobody was told */
    /* Order and flow are known as before, and so is what is left of the time. */
    assert_int_equal(bench_register(bench, "sip:user9@example.com", "<sip:u9@192.0.2.1;transport=tcp>", "call", 7), OK);
    assert_non_null(strstr(bench->answer, "500"));
    assert_int_equal(bench_register(bench, "sip:user9@example.com", NULL, "call", 8), OK);
    assert_non_null(strstr(bench->answer, ";reg-id=1;expires=8\r\n"));
    assert_int_equal(bench_register(bench, "sip:user9@example.com",
                                    "<sip:new@192.0.2.9>;+sip.instance=\"<urn:uuid:9>\";reg-id=1", "again", 1),
                     ERR_AGAIN);
    bench_commit(bench);
    assert_string_equal(bench_bindings(bench, "user9@example.com"),
                        "sip:new@192.0.2.9;+sip.instance=\"<urn:uuid:9>\";reg-id=1");
    fake_clock_pass(&bench->fake, 499000);
    assert_string_equal(bench_bindings(bench, "user499@example.com"), "");
    assert_string_not_equal(bench_bindings(bench, "user9@example.com"), "");
}

static struct registrar_journal_stat stat_of(struct bench *bench)
{
    struct registrar_journal_stat stat;
    assert_int_equal(registrar_journal_stat(bench->journal, &stat), OK);
    return stat;
}

/* One user who refreshes all the time, beside many who never do: their rows must be carried along. */
static void the_journal_stays_short(void **state)
{
    struct bench *bench = *state;
    char aor[64];
    bench->options.slack = 100;
    bench_open(bench);
    for (int i = 0; i < 200; i++) {
        snprintf(aor, sizeof(aor), "sip:quiet%d@example.com", i);
        assert_int_equal(bench_register(bench, aor, "<sip:q@192.0.2.1>;expires=7200", "q", 1), ERR_AGAIN);
    }
    bench_commit(bench);
    for (unsigned i = 1; i <= 900; i++) {
        assert_int_equal(bench_register(bench, "sip:busy@example.com", "<sip:b@192.0.2.1>", "b", i), ERR_AGAIN);
        bench_commit(bench);
    }
    struct registrar_journal_stat stat = stat_of(bench);
    assert_int_equal(stat.live, 201);
    assert_in_range(stat.rows, 201, 2 * 201 + 100 + 600);
    struct registrar_census census;
    registrar_census(bench->registrar, &census);
    assert_true(census.moved > 200);
    reopen(bench);
    registrar_census(bench->registrar, &census);
    assert_int_equal(census.users, 201);
    assert_string_equal(bench_bindings(bench, "quiet77@example.com"), "sip:q@192.0.2.1");
    assert_int_equal(bench_register(bench, "sip:busy@example.com", "<sip:b@192.0.2.1>", "b", 900), OK);
    assert_non_null(strstr(bench->answer, "500"));
}

/* However much there is to clear, no commit has more than a little of it to do: an answer that waits for one waits no
 * longer for the others' past. */
static void clearing_goes_in_small_steps(void **state)
{
    struct bench *bench = *state;
    char aor[64];
    unsigned users = 10000;
    bench->options.slack = 1000;
    bench_open(bench);
    for (unsigned i = 0; i < users; i++) {
        snprintf(aor, sizeof(aor), "sip:quiet%u@example.com", i);
        assert_int_equal(bench_register(bench, aor, "<sip:q@192.0.2.1>;expires=7200", "q", 1), ERR_AGAIN);
        if (i % 500 == 0)
            bench_commit(bench);
    }
    bench_commit(bench);
    bench->cpu_ns_max = 0;
    for (unsigned round = 1; round <= 150; round++) {
        for (unsigned i = 0; i < 200; i++) {
            snprintf(aor, sizeof(aor), "sip:busy%u@example.com", i);
            assert_int_equal(bench_register(bench, aor, "<sip:b@192.0.2.1>", "b", round), ERR_AGAIN);
        }
        bench_commit(bench);
    }
    struct registrar_census census;
    registrar_census(bench->registrar, &census);
    assert_true(census.moved > 1000);
    assert_in_range(stat_of(bench).rows, users, 2 * (users + 200) + 2000 + PACK);
    assert_in_range(bench->cpu_ns_max, 1, 20000000);
}

/* Without any traffic the ticks alone do it. */
static void a_quiet_journal_is_cleared_too(void **state)
{
    struct bench *bench = *state;
    char aor[64];
    bench->options.slack = 100;
    bench_open(bench);
    for (int i = 0; i < 1000; i++) {
        snprintf(aor, sizeof(aor), "sip:user%d@example.com", i);
        assert_int_equal(bench_register(bench, aor, "<sip:q@192.0.2.1>;expires=60", "q", 1), ERR_AGAIN);
    }
    assert_int_equal(bench_register(bench, "sip:stays@example.com", "<sip:q@192.0.2.1>;expires=7200", "q", 1),
                     ERR_AGAIN);
    bench_commit(bench);
    assert_int_equal(stat_of(bench).rows, 1001);
    fake_clock_pass(&bench->fake, 61000);
    for (int i = 0; i < 10; i++) {
        registrar_tick(bench->registrar);
        bench_commit(bench);
    }
    assert_in_range(stat_of(bench).rows, 1, 102 + PACK);
    reopen(bench);
    assert_string_equal(bench_bindings(bench, "stays@example.com"), "sip:q@192.0.2.1");
}

static void all_have_left(void *arg, enum err err)
{
    enum err *out = arg;
    *out = err;
}

static void a_user_is_taken_away_whole(void **state)
{
    struct bench *bench = *state;
    enum err done = ERR_AGAIN;
    bench_open(bench);
    bench_register(bench, "sip:+4930@example.com", "<sip:a@192.0.2.1>, <sip:a@192.0.2.2>", "c", 1);
    bench_register(bench, "sip:+4930@example.net", "<sip:a@192.0.2.3>", "c", 1);
    bench_register(bench, "sip:+49301@example.com", "<sip:a@192.0.2.3>", "c", 1);
    bench_commit(bench);
    bench_register(bench, "sip:+4930@example.com", "<sip:a@192.0.2.4>", "c", 2);
    registrar_remove_all(bench->registrar, SPAN("+4930"), REGISTRAR_REJECTED, all_have_left, &done);
    assert_int_equal(done, ERR_AGAIN); /* it waits behind what was on its way */
    bench_commit(bench);
    assert_int_equal(done, OK);
    assert_string_equal(bench_bindings(bench, "+4930@example.com"), "");
    assert_string_equal(bench_bindings(bench, "+4930@example.net"), "");
    assert_string_equal(bench_bindings(bench, "+49301@example.com"), "sip:a@192.0.2.3");
    done = ERR_AGAIN;
    registrar_remove_all(bench->registrar, SPAN("+4930"), REGISTRAR_REJECTED, all_have_left, &done);
    assert_int_equal(done, OK);
    reopen(bench);
    assert_string_equal(bench_bindings(bench, "+4930@example.com"), "");
    assert_string_equal(bench_bindings(bench, "+49301@example.com"), "sip:a@192.0.2.3");
}

/* The disk takes longer than the client has patience: what was asked comes true, and nobody is told. */
static void an_answer_may_come_too_late(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    assert_int_equal(bench_register(bench, "sip:alice@example.com", "<sip:a@192.0.2.1>", "c", 1), ERR_AGAIN);
    assert_int_equal(bench_register(bench, "sip:alice@example.com", "<sip:a@192.0.2.2>", "c", 2), ERR_BUSY);
    fake_clock_pass(&bench->fake, 40000);
    fake_wire_clear(&bench->wire);
    bench_commit(bench);
    assert_int_equal(bench->kept + bench->ready, 0);
    assert_int_equal(bench->wire.count, 0);
    assert_string_equal(bench_bindings(bench, "alice@example.com"), "sip:a@192.0.2.1");
}

static void a_binding_fits_into_512_bytes(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    assert_int_equal(bench_register(bench, "sip:+493012345678@example.com",
                                    "<sip:493012345678@192.0.2.100:49152;transport=tcp;ob>;q=0.5;reg-id=1;"
                                    "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"",
                                    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6@host.example.com", 1),
                     ERR_AGAIN);
    bench_commit(bench);
    struct registrar_census census;
    registrar_census(bench->registrar, &census);
    assert_int_equal(census.bindings, 1);
    assert_in_range(census.bytes, 200, 512 - 2 * 16); /* the allocator's own words included */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_answered_before_it_is_kept),
        TEST(a_user_s_changes_follow_each_other),
        TEST(what_was_kept_outlives_a_crash),
        TEST(the_journal_stays_short),
        TEST(clearing_goes_in_small_steps),
        TEST(a_quiet_journal_is_cleared_too),
        TEST(a_user_is_taken_away_whole),
        TEST(an_answer_may_come_too_late),
        TEST(a_binding_fits_into_512_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
