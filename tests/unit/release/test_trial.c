/* SPDX-License-Identifier: Apache-2.0 */
/* Shadow and probation on a fake clock, with workers whose pairs the test writes. */
#include "release/release.h"
#include "release/release_refused.h"
#include "support/cmocka_all.h"
#include "support_release.h"
#include "util/buffer.h"
#include "util/siphash.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const v1 = "return function(req) return ok {} end\n";
static const char *const v2 = "return function(req) return gone {} end\n";
static const char *const v3 = "return function(req) return not_found {} end\n";
static const char *const broken = "return function(req return ok {} end\n";

enum { PROBATION_MS = 60000 };

struct bench {
    struct release_place *place;
    struct fake_workers fake;
    struct release *release;
    struct release_report report;
    struct release_news news;
};

static struct release_options options_of(struct bench *bench)
{
    struct release_options options = fake_options(&bench->fake, bench->place->data);
    options.probation_ms = PROBATION_MS;
    release_band_default(&options.band);
    return options;
}

static int setup(void **state)
{
    static struct bench bench;
    void *place;
    if (place_setup(&place) != 0)
        return -1;
    bench = (struct bench){.place = place};
    fake_workers_init(&bench.fake);
    struct release_options options = options_of(&bench);
    *state = &bench;
    return release_new(&options, &bench.release) == OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    release_report_done(&bench->report);
    release_free(bench->release);
    for (unsigned index = 0; index < FAKE_WORKERS; index++)
        if (fake_held(&bench->fake, index) != 0)
            return -1;
    log_set_sink(NULL, NULL);
    void *place = bench->place;
    return place_teardown(&place);
}

static enum err load(struct bench *bench, const char *text, const struct release_request *request)
{
    struct release_request with_path = *request;
    if (text)
        place_write(bench->place, "policy.lua", text);
    with_path.path = bench->place->policy;
    release_report_done(&bench->report);
    return release_reload(bench->release, &with_path, &bench->report);
}

static void load_ok(struct bench *bench, const char *text, uint64_t version)
{
    struct release_request plain = {0};
    if (load(bench, text, &plain) != OK)
        fail_msg("%s:%d: %s", bench->report.fault.file, bench->report.fault.line, bench->report.fault.text);
    assert_int_equal(bench->report.version, version);
    fake_assert_active(&bench->fake, version);
}

/* What `count` requests for as many targets from as many sources come to, spread over the workers. */
static void pairs(struct bench *bench, unsigned old_code, unsigned new_code, unsigned count)
{
    static unsigned number;
    static const struct siphash_key key = {5, 6};
    for (unsigned i = 0; i < count; i++) {
        number++;
        uint64_t hash = siphash(&key, &number, sizeof(number));
        struct release_pair pair = {.old = {.code = old_code, .rule = "a"},
                                    .new = {.code = new_code, .rule = "b"},
                                    .target = hash,
                                    .source = hash};
        release_tally_add(bench->fake.comparing.tallies[i % FAKE_WORKERS], &pair);
    }
}

static void tick(struct bench *bench, uint64_t ms)
{
    fake_now_ms += ms;
    release_tick(bench->release, &bench->news);
}

static void assert_news(struct bench *bench, enum release_trial trial, enum release_ending ending, const char *text)
{
    assert_int_equal(bench->news.trial, trial);
    assert_int_equal(bench->news.ending, ending);
    if (!strstr(bench->news.text, text))
        fail_msg("expected '%s' in '%s'", text, bench->news.text);
}

static enum release_state state_of(struct bench *bench, uint64_t version)
{
    struct release_version_info info;
    for (size_t i = 0; i < release_version_count(bench->release); i++) {
        release_version_at(bench->release, i, &info);
        if (info.version == version)
            return info.state;
    }
    fail_msg("version %llu is not listed", (unsigned long long)version);
    return RELEASE_STATE_COUNT;
}

/* ---- Probation ---- */

static void a_probation_passes(void **state)
{
    struct bench *bench = *state;
    load_ok(bench, v1, 1);
    assert_int_equal(bench->report.against, 0); /* there is nothing to hold it against */
    assert_int_equal(release_tick_ms(bench->release), 0);
    load_ok(bench, v2, 2);
    assert_int_equal(bench->report.against, 1);
    assert_int_equal(bench->report.probation_ms, PROBATION_MS);
    assert_int_equal(bench->fake.comparing.version, 1);
    assert_false(bench->fake.comparing.shadow);
    assert_true(release_tick_ms(bench->release) > 0);
    pairs(bench, 200, 200, 500);
    tick(bench, PROBATION_MS - 1);
    assert_int_equal(bench->news.trial, RELEASE_NO_TRIAL);
    tick(bench, 1);
    assert_news(bench, RELEASE_PROBATION, RELEASE_PASSED, "500 requests decided twice");
    assert_int_equal(bench->fake.comparing.version, 0);
    assert_int_equal(release_tick_ms(bench->release), 0);
    fake_assert_active(&bench->fake, 2);
}

static void what_leaves_its_band_is_rolled_back(void **state)
{
    struct bench *bench = *state;
    load_ok(bench, v1, 1);
    load_ok(bench, v2, 2);
    pairs(bench, 200, 410, 9);
    tick(bench, 200);
    assert_int_equal(bench->news.trial, RELEASE_NO_TRIAL);
    pairs(bench, 200, 410, 91);
    tick(bench, 200);
    assert_news(bench, RELEASE_PROBATION, RELEASE_BAND_LEFT, "410: 100 of 100 targets");
    fake_assert_active(&bench->fake, 1);
    assert_int_equal(state_of(bench, 2), RELEASE_DISCARDED);
    for (unsigned index = 0; index < FAKE_WORKERS; index++)
        assert_int_equal(fake_held(&bench->fake, index), 1);
    assert_int_equal(release_counters(bench->release)->rolled_back, 1);
    struct buffer out = buffer_heap(1 << 18);
    release_trial_json(bench->release, RELEASE_PROBATION, &out);
    buffer_add_byte(&out, '\0');
    assert_non_null(strstr(out.at, "\"state\":\"rolled back\",\"version\":2,\"against\":1"));
    assert_non_null(strstr(out.at, "\"differences\":{\"diff\":100,\"410\":100"));
    buffer_done(&out);
}

static void its_bytes_are_refused_until_told_otherwise(void **state)
{
    struct bench *bench = *state;
    struct release_request plain = {0}, watched = {.watched = true}, forced = {.force = true};
    struct release_request expected = {.expect = "410 +50%"};
    load_ok(bench, v1, 1);
    load_ok(bench, v2, 2);
    pairs(bench, 200, 410, 100);
    tick(bench, 200);
    fake_assert_active(&bench->fake, 1);
    assert_int_equal(load(bench, v2, &plain), ERR_CONFLICT);
    assert_non_null(strstr(bench->report.fault.text, "--force"));
    assert_int_equal(load(bench, NULL, &watched), OK);
    assert_true(bench->report.unchanged);
    fake_assert_active(&bench->fake, 1);
    load_ok(bench, v3, 3); /* others are not */
    tick(bench, PROBATION_MS);
    assert_int_equal(load(bench, v2, &expected), OK);
    fake_assert_active(&bench->fake, bench->report.version);
    pairs(bench, 200, 410, 40);
    pairs(bench, 200, 200, 60);
    tick(bench, 200);
    assert_int_equal(bench->news.trial, RELEASE_NO_TRIAL); /* 40 % were announced */
    pairs(bench, 200, 410, 400);
    tick(bench, 200);
    assert_news(bench, RELEASE_PROBATION, RELEASE_BAND_LEFT, "over the 51 % allowed");
    assert_int_equal(load(bench, v2, &plain), ERR_CONFLICT);
    assert_int_equal(load(bench, v2, &forced), OK);
    assert_int_equal(bench->report.against, 3);
}

/* A trivial edit on top of a bad version must not be held against the bad one. */
static void a_newer_version_is_held_against_the_proven_one(void **state)
{
    struct bench *bench = *state;
    char edited[128];
    load_ok(bench, v1, 1);
    load_ok(bench, v2, 2);
    for (uint64_t version = 3; version < 8; version++) {
        snprintf(edited, sizeof(edited), "-- %d\n%s", (int)version, v2);
        load_ok(bench, edited, version);
        assert_int_equal(bench->report.against, 1);
        assert_int_equal(bench->fake.comparing.version, 1);
    }
    assert_true(bench->fake.most_held <= 3);
    pairs(bench, 200, 410, 100);
    tick(bench, 200);
    assert_news(bench, RELEASE_PROBATION, RELEASE_BAND_LEFT, "version 1 decides again");
    fake_assert_active(&bench->fake, 1);
}

static void what_was_announced_outlives_a_newer_version(void **state)
{
    struct bench *bench = *state;
    struct release_request expected = {.expect = "410 +99%"};
    char edited[128];
    load_ok(bench, v1, 1);
    assert_int_equal(load(bench, v2, &expected), OK);
    snprintf(edited, sizeof(edited), "-- a remark\n%s", v2);
    load_ok(bench, edited, 3);
    pairs(bench, 200, 410, 200);
    tick(bench, 200);
    assert_int_equal(bench->news.trial, RELEASE_NO_TRIAL);
    fake_assert_active(&bench->fake, 3);
}

static void a_rollback_by_hand_ends_it(void **state)
{
    struct bench *bench = *state;
    load_ok(bench, v1, 1);
    load_ok(bench, v2, 2);
    release_report_done(&bench->report);
    assert_int_equal(release_rollback(bench->release, &bench->report), OK);
    assert_int_equal(bench->fake.comparing.version, 0);
    tick(bench, PROBATION_MS);
    assert_int_equal(bench->news.trial, RELEASE_NO_TRIAL);
    fake_assert_active(&bench->fake, 1);
}

static void bad_wishes_are_refused_first(void **state)
{
    struct bench *bench = *state;
    struct release_request wishes[] = {
        {.expect = "410 2%"}, {.activate_if = "diff < 1%"}, {.shadow_ms = 1000, .activate_if = "diff > 1%"}};
    load_ok(bench, v1, 1);
    unsigned staged = bench->fake.staged;
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        assert_int_equal(load(bench, v2, &wishes[i]), ERR_INVALID);
        assert_true(bench->report.fault.text[0] != '\0');
    }
    assert_int_equal(load(bench, v1, &wishes[0]), ERR_INVALID); /* also over the same bytes */
    assert_int_equal(bench->fake.staged, staged);
    fake_assert_active(&bench->fake, 1);
}

/* ---- Shadow ---- */

static const struct release_request shadow = {.shadow_ms = 10000, .shadow_sample = 5, .activate_if = "diff < 1%"};

static void begin_shadow(struct bench *bench, const char *text, const struct release_request *request,
                         uint64_t candidate, uint64_t active)
{
    assert_int_equal(load(bench, text, request), OK);
    assert_int_equal(bench->report.candidate, candidate);
    assert_int_equal(bench->report.version, active);
    assert_int_equal(bench->report.reached, RELEASE_SHADOWING);
    assert_int_equal(bench->fake.comparing.version, candidate);
    assert_true(bench->fake.comparing.shadow);
    assert_int_equal(state_of(bench, candidate), RELEASE_SHADOWING);
    fake_assert_active(&bench->fake, active);
}

static void a_shadow_becomes_active(void **state)
{
    struct bench *bench = *state;
    load_ok(bench, v1, 1);
    begin_shadow(bench, v2, &shadow, 2, 1);
    assert_int_equal(bench->fake.comparing.sample, 5);
    pairs(bench, 200, 200, 1000);
    pairs(bench, 200, 404, 2);
    tick(bench, 9999);
    assert_int_equal(bench->news.trial, RELEASE_NO_TRIAL);
    tick(bench, 1);
    assert_news(bench, RELEASE_SHADOW, RELEASE_ACTIVATED, "diff: 2 of 1002 targets");
    fake_assert_active(&bench->fake, 2);
    assert_int_equal(bench->fake.comparing.version, 1); /* and is on probation now */
    assert_false(bench->fake.comparing.shadow);
    assert_string_equal(release_path(bench->release), bench->place->policy);
}

static void a_shadow_that_differs_is_discarded(void **state)
{
    struct bench *bench = *state;
    load_ok(bench, v1, 1);
    begin_shadow(bench, v2, &shadow, 2, 1);
    pairs(bench, 200, 410, 20);
    pairs(bench, 200, 200, 1000);
    tick(bench, 10000);
    assert_news(bench, RELEASE_SHADOW, RELEASE_DIFFERS, "not below 1 %");
    fake_assert_active(&bench->fake, 1);
    assert_int_equal(state_of(bench, 2), RELEASE_DISCARDED);
    assert_int_equal(fake_held(&bench->fake, 0), 1);
    begin_shadow(bench, v2, &shadow, 3, 1); /* which is no refusal: nobody was answered by it */
    tick(bench, 10000);
    assert_news(bench, RELEASE_SHADOW, RELEASE_DIFFERS, "are needed to tell");
}

static void a_shadow_without_a_condition_is_over(void **state)
{
    struct bench *bench = *state;
    struct release_request plain = {.shadow_ms = 5000};
    load_ok(bench, v1, 1);
    begin_shadow(bench, v2, &plain, 2, 1);
    tick(bench, 5000);
    assert_news(bench, RELEASE_SHADOW, RELEASE_OVER, "--activate-if");
    fake_assert_active(&bench->fake, 1);
}

static void a_shadow_is_cancelled(void **state)
{
    struct bench *bench = *state;
    load_ok(bench, v1, 1);
    assert_int_equal(release_shadow_cancel(bench->release, &bench->news), ERR_NOT_FOUND);
    begin_shadow(bench, v2, &shadow, 2, 1);
    assert_int_equal(release_shadow_cancel(bench->release, &bench->news), OK);
    assert_news(bench, RELEASE_SHADOW, RELEASE_CANCELLED, "discarded");
    assert_int_equal(fake_held(&bench->fake, 2), 1);
    assert_int_equal(release_shadow_cancel(bench->release, &bench->news), ERR_NOT_FOUND);
    load_ok(bench, v3, 3);
    assert_int_equal(release_shadow_cancel(bench->release, &bench->news), ERR_NOT_FOUND); /* a probation is none */
}

/* Whoever comes later is meant; but only once it is good. */
static void a_reload_in_its_time(void **state)
{
    struct bench *bench = *state;
    struct release_request plain = {0};
    load_ok(bench, v1, 1);
    begin_shadow(bench, v2, &shadow, 2, 1);
    assert_int_equal(load(bench, broken, &plain), ERR_SCRIPT);
    assert_int_equal(bench->fake.comparing.version, 2);
    assert_int_equal(load(bench, v1, &plain), OK);
    assert_true(bench->report.unchanged);
    assert_int_equal(bench->fake.comparing.version, 2);
    load_ok(bench, v3, 4);
    assert_non_null(strstr(bench->report.remark, "the shadow of version 2 is ended"));
    assert_int_equal(state_of(bench, 2), RELEASE_DISCARDED);
    assert_true(bench->fake.most_held <= 3);
}

static void a_rollback_in_its_time(void **state)
{
    struct bench *bench = *state;
    load_ok(bench, v1, 1);
    load_ok(bench, v3, 2);
    tick(bench, PROBATION_MS);
    begin_shadow(bench, v2, &shadow, 3, 2);
    release_report_done(&bench->report);
    assert_int_equal(release_rollback(bench->release, &bench->report), OK);
    assert_non_null(strstr(bench->report.remark, "shadow"));
    assert_int_equal(bench->fake.comparing.version, 0);
    fake_assert_active(&bench->fake, 1);
}

static void a_shadow_waits_for_the_probation(void **state)
{
    struct bench *bench = *state;
    load_ok(bench, v1, 1);
    load_ok(bench, v3, 2);
    assert_int_equal(load(bench, v2, &shadow), ERR_BUSY);
    assert_non_null(strstr(bench->report.fault.text, "on probation for 6"));
    assert_int_equal(bench->fake.comparing.version, 1);
    tick(bench, PROBATION_MS);
    begin_shadow(bench, v2, &shadow, 3, 2);
}

/* ---- Restarts ---- */

static void restart(struct bench *bench)
{
    struct release_options options = options_of(bench);
    release_report_done(&bench->report);
    release_free(bench->release);
    fake_workers_init(&bench->fake);
    assert_int_equal(release_new(&options, &bench->release), OK);
    assert_int_equal(release_start(bench->release, bench->place->policy, &bench->report), OK);
}

static void a_restart_in_the_middle_of_a_probation(void **state)
{
    struct bench *bench = *state;
    load_ok(bench, v1, 1);
    load_ok(bench, v2, 2);
    restart(bench); /* what is on disk has not been proven yet: it goes on, against what has */
    assert_false(bench->report.last_good);
    assert_int_equal(bench->report.version, 2);
    assert_int_equal(bench->report.against, 1);
    fake_assert_active(&bench->fake, 2);
    pairs(bench, 200, 410, 100);
    tick(bench, 200);
    fake_assert_active(&bench->fake, 1);
    restart(bench); /* and what was rolled back does not come back */
    assert_true(bench->report.last_good);
    assert_non_null(strstr(bench->report.fault.text, "rolled back"));
    assert_int_equal(bench->report.against, 0);
    struct release_version_info info;
    release_version_at(bench->release, 0, &info);
    assert_int_equal(info.state, RELEASE_ACTIVE);
    load_ok(bench, v3, bench->report.version + 1);
}

static void a_restart_after_a_probation(void **state)
{
    struct bench *bench = *state;
    load_ok(bench, v1, 1);
    load_ok(bench, v2, 2);
    tick(bench, PROBATION_MS);
    restart(bench);
    assert_int_equal(bench->report.version, 1);
    assert_int_equal(bench->report.against, 0);
    place_write(bench->place, "policy.lua", v3); /* edited while nothing ran */
    restart(bench);
    assert_int_equal(bench->report.version, 2);
    assert_int_equal(bench->report.against, 1);
}

static void a_restart_after_a_rollback_by_hand(void **state)
{
    struct bench *bench = *state;
    load_ok(bench, v1, 1);
    load_ok(bench, v2, 2);
    release_report_done(&bench->report);
    assert_int_equal(release_rollback(bench->release, &bench->report), OK);
    restart(bench);
    assert_true(bench->report.last_good);
    assert_non_null(strstr(bench->report.fault.text, "an operator rolled it back"));
    struct release_request plain = {0};
    assert_int_equal(load(bench, NULL, &plain), OK); /* asking for it is enough */
    assert_false(bench->report.unchanged);
    restart(bench);
    assert_false(bench->report.last_good);
}

/* A forced reload of the same bytes, rolled back: they still decide, so they are not what a restart keeps away. */
static void a_rollback_to_the_same_bytes(void **state)
{
    struct bench *bench = *state;
    struct release_request forced = {.force = true};
    load_ok(bench, v1, 1);
    assert_int_equal(load(bench, v1, &forced), OK);
    release_report_done(&bench->report);
    assert_int_equal(release_rollback(bench->release, &bench->report), OK);
    restart(bench);
    assert_false(bench->report.last_good);
    assert_int_equal(bench->report.version, 1);
}

static void a_restart_in_the_middle_of_a_shadow(void **state)
{
    struct bench *bench = *state;
    char path[400];
    load_ok(bench, v1, 1);
    begin_shadow(bench, v2, &shadow, 2, 1);
    restart(bench);
    assert_int_equal(bench->report.against, 1); /* v2 is what lies there now, and v1 is what has been proven */
    snprintf(path, sizeof(path), "%s/last_good", bench->place->data);
    assert_int_equal(access(path, F_OK), 0);
}

static void the_list_of_the_refused(void **state)
{
    struct bench *bench = *state;
    struct release_refused refused = {0}, again;
    char hash[DIGEST_HEX_MAX];
    for (int i = 0; i < RELEASE_REFUSED_MAX + 3; i++) {
        snprintf(hash, sizeof(hash), "%064d", i);
        release_refused_add(&refused, hash, i % 2, "because\nof this");
    }
    assert_int_equal(refused.count, RELEASE_REFUSED_MAX);
    assert_null(release_refused_find(&refused, "x"));
    assert_true(release_refused_find(&refused, hash) != NULL);
    assert_int_equal(release_refused_save(&refused, bench->place->data), OK);
    release_refused_load(&again, bench->place->data);
    assert_int_equal(again.count, RELEASE_REFUSED_MAX);
    assert_memory_equal(&again, &refused, sizeof(again));
    assert_true(release_refused_remove(&again, hash));
    assert_false(release_refused_remove(&again, hash));
    release_refused_load(&again, "/nonexistent");
    assert_int_equal(again.count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_probation_passes),
        TEST(what_leaves_its_band_is_rolled_back),
        TEST(its_bytes_are_refused_until_told_otherwise),
        TEST(a_newer_version_is_held_against_the_proven_one),
        TEST(what_was_announced_outlives_a_newer_version),
        TEST(a_rollback_by_hand_ends_it),
        TEST(bad_wishes_are_refused_first),
        TEST(a_shadow_becomes_active),
        TEST(a_shadow_that_differs_is_discarded),
        TEST(a_shadow_without_a_condition_is_over),
        TEST(a_shadow_is_cancelled),
        TEST(a_reload_in_its_time),
        TEST(a_rollback_in_its_time),
        TEST(a_shadow_waits_for_the_probation),
        TEST(a_restart_in_the_middle_of_a_probation),
        TEST(a_restart_after_a_probation),
        TEST(a_restart_after_a_rollback_by_hand),
        TEST(a_rollback_to_the_same_bytes),
        TEST(a_restart_in_the_middle_of_a_shadow),
        TEST(the_list_of_the_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
