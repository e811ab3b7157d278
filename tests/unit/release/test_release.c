/* SPDX-License-Identifier: Apache-2.0 */
/* Reload, rollback and start with real policies and workers that write down what they are told: each step is made to fail
 * once, and after each failure the old version decides and the next good reload works. */
#include "release/release.h"
#include "support/cmocka_all.h"
#include "support_release.h"
#include "util/buffer.h"
#include <string.h>

static const char *const ok_policy = "return function(req) return ok {} end\n";
static const char *const gone_policy = "return function(req) return gone {} end\n";
static const char *const rules_v1 = "return policy {\n"
                                    "  name = 'rules', on_error = reject(500) {}, default = not_found {},\n"
                                    "  shared = { calls = counter { ttl = 60, max = 100 } },\n"
                                    "  rules = {\n"
                                    "    { 'one', when = { method = 'INVITE' }, verdict = ok {} },\n"
                                    "    { 'two', when = { method = 'OPTIONS' }, verdict = gone {} },\n"
                                    "  },\n}\n";
static const char *const rules_v2 = "return policy {\n"
                                    "  name = 'rules', on_error = reject(500) {}, default = not_found {},\n"
                                    "  shared = { calls = counter { ttl = 60, max = 100 },\n"
                                    "             more = counter { ttl = 60, max = 100 } },\n"
                                    "  rules = {\n"
                                    "    { 'two', when = { method = 'MESSAGE' }, verdict = gone {} },\n"
                                    "    { 'three', when = { method = 'INVITE' }, verdict = ok {} },\n"
                                    "  },\n}\n";

struct bench {
    struct release_place *place;
    struct fake_workers fake;
    struct release *release;
    struct release_report report;
};

static int setup(void **state)
{
    static struct bench bench;
    void *place;
    if (place_setup(&place) != 0)
        return -1;
    bench = (struct bench){.place = place};
    fake_workers_init(&bench.fake);
    struct release_options options = fake_options(&bench.fake, bench.place->data);
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

static enum err reload(struct bench *bench)
{
    struct release_request request = {.path = bench->place->policy};
    release_report_done(&bench->report);
    return release_reload(bench->release, &request, &bench->report);
}

static void reload_ok(struct bench *bench, const char *text, uint64_t version)
{
    place_write(bench->place, "policy.lua", text);
    enum err err = reload(bench);
    if (err != OK)
        fail_msg("%s:%d: %s", bench->report.fault.file, bench->report.fault.line, bench->report.fault.text);
    assert_true(bench->report.ok);
    assert_int_equal(bench->report.version, version);
    fake_assert_active(&bench->fake, version);
}

static void test_the_first_one(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(release_active(bench->release), 0);
    assert_null(release_program(bench->release));
    reload_ok(bench, ok_policy, 1);
    assert_int_equal(bench->report.previous, 0);
    assert_int_equal(bench->report.reached, RELEASE_ACTIVE);
    assert_true(bench->report.saved);
    assert_false(bench->report.unchanged);
    assert_int_equal(strlen(bench->report.hash), 64);
    assert_string_equal(bench->report.name, "policy");
    assert_int_equal(release_active(bench->release), 1);
    assert_string_equal(release_path(bench->release), bench->place->policy);
}

static void test_the_same_bytes_are_nothing(void **state)
{
    struct bench *bench = *state;
    reload_ok(bench, ok_policy, 1);
    unsigned staged = bench->fake.staged;
    reload_ok(bench, ok_policy, 1);
    assert_true(bench->report.unchanged);
    assert_int_equal(bench->fake.staged, staged);
    struct release_request forced = {.force = true};
    release_report_done(&bench->report);
    assert_int_equal(release_reload(bench->release, &forced, &bench->report), OK);
    assert_int_equal(bench->report.version, 2);
}

static void assert_refused(struct bench *bench, uint64_t active, enum release_state reached, const char *text)
{
    assert_true(reload(bench) != OK);
    assert_false(bench->report.ok);
    assert_int_equal(bench->report.version, active);
    assert_int_equal(bench->report.reached, reached);
    if (!strstr(bench->report.fault.text, text))
        fail_msg("expected '%s' in '%s'", text, bench->report.fault.text);
    if (active)
        fake_assert_active(&bench->fake, active);
    for (unsigned index = 0; index < FAKE_WORKERS; index++)
        assert_int_equal(fake_held(&bench->fake, index), active ? 1 : 0);
}

static void test_a_missing_policy(void **state)
{
    struct bench *bench = *state;
    assert_refused(bench, 0, RELEASE_LOADED, "");
    assert_true(bench->report.fault.file[0] || bench->report.fault.text[0]);
    reload_ok(bench, ok_policy, 1);
    place_remove(bench->place, "policy.lua");
    assert_refused(bench, 1, RELEASE_LOADED, "");
    reload_ok(bench, gone_policy, 2);
}

static void test_a_syntax_error_has_file_and_line(void **state)
{
    struct bench *bench = *state;
    reload_ok(bench, ok_policy, 1);
    place_write(bench->place, "policy.lua", "return function(req)\n  return ok {}\nnd\n");
    assert_refused(bench, 1, RELEASE_LOADED, "");
    assert_non_null(strstr(bench->report.fault.file, "policy.lua"));
    assert_int_equal(bench->report.fault.line, 3);
    reload_ok(bench, gone_policy, 3);
}

static void test_a_half_saved_file(void **state)
{
    struct bench *bench = *state;
    char half[64];
    reload_ok(bench, rules_v1, 1);
    snprintf(half, sizeof(half), "%.60s", rules_v2);
    place_write(bench->place, "policy.lua", half);
    assert_refused(bench, 1, RELEASE_LOADED, "");
    place_write(bench->place, "policy.lua", "");
    assert_refused(bench, 1, RELEASE_LOADED, "");
    reload_ok(bench, rules_v2, 4);
}

static void test_the_engine_refuses(void **state)
{
    struct bench *bench = *state;
    reload_ok(bench, ok_policy, 1);
    place_write(bench->place, "policy.lua", gone_policy);
    bench->fake.accept_err = ERR_CONFLICT;
    assert_refused(bench, 1, RELEASE_LOADED, "asks the directory");
    bench->fake.accept_err = OK;
    reload_ok(bench, gone_policy, 3);
}

static void test_its_tests_fail(void **state)
{
    struct bench *bench = *state;
    reload_ok(bench, ok_policy, 1);
    place_write(bench->place, "policy.lua", gone_policy);
    bench->fake.test_err = OK;
    bench->fake.test_summary = (struct authoring_test_summary){.passed = 2, .failed = 1};
    assert_refused(bench, 1, RELEASE_VALIDATED, "1 of 3 tests failed");
    bench->fake.test_err = ERR_SCRIPT; /* the same, and the engine names the test */
    assert_refused(bench, 1, RELEASE_VALIDATED, "expected 410, got 200");
    assert_int_equal(bench->report.fault.line, 7);
    bench->fake.test_err = ERR_NOMEM;
    assert_refused(bench, 1, RELEASE_VALIDATED, "");
    bench->fake.test_err = OK;
    bench->fake.test_summary = (struct authoring_test_summary){.passed = 3};
    reload_ok(bench, gone_policy, 5);
    assert_true(bench->report.has_tests);
    assert_int_equal(bench->report.tests.passed, 3);
}

static void test_each_of_the_workers_refuses(void **state)
{
    struct bench *bench = *state;
    reload_ok(bench, ok_policy, 1);
    for (int index = 0; index < FAKE_WORKERS; index++) {
        place_write(bench->place, "policy.lua", gone_policy);
        bench->fake.refuse_index = index;
        bench->fake.refuse_silent = index == 1;
        assert_refused(bench, 1, RELEASE_TESTED, "worker");
        assert_int_equal(bench->fake.switched, 1);
    }
    bench->fake.refuse_index = -1;
    reload_ok(bench, gone_policy, 2 + FAKE_WORKERS);
    assert_int_equal(release_counters(bench->release)->failures, FAKE_WORKERS);
    assert_int_equal(release_counters(bench->release)->reloads, 2);
}

static void test_rules_and_shared_tables_are_compared(void **state)
{
    struct bench *bench = *state;
    reload_ok(bench, rules_v1, 1);
    assert_int_equal(bench->report.added.count, 2);
    assert_int_equal(bench->report.reset.count, 1);
    reload_ok(bench, rules_v2, 2);
    assert_int_equal(bench->report.added.count, 1);
    assert_string_equal(bench->report.added.list[0], "three");
    assert_int_equal(bench->report.removed.count, 1);
    assert_string_equal(bench->report.removed.list[0], "one");
    assert_int_equal(bench->report.changed.count, 1);
    assert_string_equal(bench->report.changed.list[0], "two");
    assert_int_equal(bench->report.kept.count, 1);
    assert_string_equal(bench->report.kept.list[0], "calls");
    assert_int_equal(bench->report.reset.count, 1);
    assert_string_equal(bench->report.reset.list[0], "more");
}

static enum err rollback(struct bench *bench)
{
    release_report_done(&bench->report);
    return release_rollback(bench->release, &bench->report);
}

static void test_rollback(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(rollback(bench), ERR_NOT_FOUND);
    reload_ok(bench, rules_v1, 1);
    assert_int_equal(rollback(bench), ERR_NOT_FOUND);
    fake_assert_active(&bench->fake, 1);
    reload_ok(bench, rules_v2, 2);
    reload_ok(bench, ok_policy, 3);
    unsigned staged = bench->fake.staged;
    assert_int_equal(rollback(bench), OK);
    assert_true(bench->report.rolled_back);
    assert_int_equal(bench->report.previous, 3);
    assert_int_equal(bench->report.version, 2);
    fake_assert_active(&bench->fake, 2);
    assert_int_equal(rollback(bench), OK);
    fake_assert_active(&bench->fake, 1);
    assert_int_equal(bench->report.changed.count, 1);
    assert_int_equal(rollback(bench), ERR_NOT_FOUND);
    assert_int_equal(bench->report.version, 1);
    assert_int_equal(bench->fake.staged, staged); /* all of them were warm */
    assert_int_equal(release_counters(bench->release)->rollbacks, 2);
}

/* After a rollback and a new version, the way back leads to what was active before, not to what was left. */
static void test_rollback_after_a_rollback(void **state)
{
    struct bench *bench = *state;
    reload_ok(bench, rules_v1, 1);
    reload_ok(bench, rules_v2, 2);
    assert_int_equal(rollback(bench), OK);
    reload_ok(bench, ok_policy, 3);
    assert_int_equal(rollback(bench), OK);
    fake_assert_active(&bench->fake, 1);
    reload_ok(bench, rules_v2, 4); /* bytes that were rolled back are a new version when they are asked for */
}

/* A candidate needs room, and takes the older warm version's; where it fails on the last worker, the way back is one step shorter,
 * and where that ends it is said. */
static void test_rollback_after_a_failed_candidate(void **state)
{
    struct bench *bench = *state;
    reload_ok(bench, rules_v1, 1);
    reload_ok(bench, rules_v2, 2);
    reload_ok(bench, ok_policy, 3);
    place_write(bench->place, "policy.lua", rules_v1);
    bench->fake.refuse_index = FAKE_WORKERS - 1;
    release_report_done(&bench->report);
    struct release_request request = {.path = bench->place->policy};
    assert_true(release_reload(bench->release, &request, &bench->report) != OK);
    fake_assert_active(&bench->fake, 3);
    bench->fake.refuse_index = -1;
    assert_int_equal(rollback(bench), OK);
    fake_assert_active(&bench->fake, 2);
    assert_int_equal(rollback(bench), ERR_NOT_FOUND);
    assert_non_null(strstr(bench->report.fault.text, "there is no earlier version to go back to"));
    fake_assert_active(&bench->fake, 2);
    reload_ok(bench, rules_v1, bench->report.version + 3); /* the number that the failed one had is not given again */
}

static void test_two_stay_warm(void **state)
{
    struct bench *bench = *state;
    char text[128];
    for (int version = 1; version <= 50; version++) {
        snprintf(text, sizeof(text), "-- %d\n%s", version, ok_policy);
        reload_ok(bench, text, (uint64_t)version);
        for (unsigned index = 0; index < FAKE_WORKERS; index++)
            assert_int_equal(fake_held(&bench->fake, index), version < 3 ? version : 3);
    }
    assert_true(release_version_count(bench->release) <= 3 + RELEASE_HISTORY_MAX);
    struct release_version_info info;
    release_version_at(bench->release, 0, &info);
    assert_int_equal(info.version, 50);
    assert_int_equal(info.state, RELEASE_ACTIVE);
    release_version_at(bench->release, 1, &info);
    assert_int_equal(info.state, RELEASE_WARM);
    release_version_at(bench->release, 3, &info);
    assert_int_equal(info.state, RELEASE_DISCARDED);
    assert_int_equal(info.version, 47);
    assert_int_equal(rollback(bench), OK);
    assert_int_equal(rollback(bench), OK);
    assert_int_equal(rollback(bench), ERR_NOT_FOUND);
    fake_assert_active(&bench->fake, 48);
}

static void test_versions_name_the_failure(void **state)
{
    struct bench *bench = *state;
    struct buffer out = buffer_heap(65536);
    reload_ok(bench, rules_v1, 1);
    place_write(bench->place, "policy.lua", "return nothing at all");
    assert_refused(bench, 1, RELEASE_LOADED, "");
    release_versions_json(bench->release, &out);
    buffer_add_byte(&out, '\0');
    assert_false(out.overflow);
    assert_non_null(strstr(out.at, "\"version\":2,\"state\":\"discarded\""));
    assert_non_null(strstr(out.at, "\"failure\":\""));
    assert_non_null(strstr(out.at, "\"version\":1,\"state\":\"active\",\"name\":\"rules\""));
    assert_non_null(strstr(out.at, "\"rules\":2"));
    buffer_done(&out);
}

static void test_rebuild_replaces_one_vm(void **state)
{
    struct bench *bench = *state;
    struct fault fault = {0};
    assert_int_equal(release_rebuild(bench->release, 0, &fault), ERR_NOT_FOUND);
    reload_ok(bench, ok_policy, 1);
    const struct policy *before = bench->fake.workers[1].policies[0];
    assert_int_equal(release_rebuild(bench->release, 1, &fault), OK);
    assert_ptr_not_equal(bench->fake.workers[1].policies[0], before);
    assert_int_equal(fake_held(&bench->fake, 1), 1);
    bench->fake.refuse_index = 2;
    assert_int_equal(release_rebuild(bench->release, 2, &fault), ERR_FULL);
    fake_assert_active(&bench->fake, 1);
    assert_int_equal(release_rebuild(bench->release, FAKE_WORKERS, &fault), ERR_NOT_FOUND);
}

static void restart(struct bench *bench, const char *data)
{
    struct release_options options = fake_options(&bench->fake, data);
    release_free(bench->release);
    fake_workers_init(&bench->fake);
    release_report_done(&bench->report);
    assert_int_equal(release_new(&options, &bench->release), OK);
}

static void test_a_start_over_a_broken_policy_takes_the_last_good_one(void **state)
{
    struct bench *bench = *state;
    char hash[DIGEST_HEX_MAX];
    struct buffer text = buffer_heap(4096);
    reload_ok(bench, rules_v1, 1);
    memcpy(hash, bench->report.hash, sizeof(hash));
    place_write(bench->place, "policy.lua", "return {{{");
    restart(bench, bench->place->data);
    assert_int_equal(release_start(bench->release, bench->place->policy, &bench->report), OK);
    assert_true(bench->report.ok);
    assert_true(bench->report.last_good);
    assert_string_equal(bench->report.hash, hash);
    assert_true(bench->report.fault.err != OK);
    assert_int_equal(bench->report.fault.line > 0, 1);
    assert_string_equal(release_path(bench->release), bench->place->policy);
    fake_assert_active(&bench->fake, bench->report.version);
    release_report_text(&bench->report, &text);
    buffer_add_byte(&text, '\0');
    assert_non_null(strstr(text.at, "LAST GOOD"));
    buffer_done(&text);
    reload_ok(bench, rules_v2, bench->report.version + 1);
}

static void test_a_start_without_a_last_good_one_fails(void **state)
{
    struct bench *bench = *state;
    place_write(bench->place, "policy.lua", "return {{{");
    assert_true(release_start(bench->release, bench->place->policy, &bench->report) != OK);
    assert_false(bench->report.ok);
    assert_int_equal(release_active(bench->release), 0);
    restart(bench, NULL);
    assert_true(release_start(bench->release, bench->place->policy, &bench->report) != OK);
    release_report_done(&bench->report);
    place_write(bench->place, "policy.lua", ok_policy);
    struct release_request request = {0}; /* the path is remembered from the start that failed */
    assert_int_equal(release_reload(bench->release, &request, &bench->report), OK);
    assert_false(bench->report.saved);
    assert_int_equal(bench->report.save_fault.err, OK);
}

static void test_a_copy_that_cannot_be_kept_is_said(void **state)
{
    struct bench *bench = *state;
    char missing[400];
    snprintf(missing, sizeof(missing), "%s/missing", bench->place->root);
    restart(bench, missing);
    reload_ok(bench, ok_policy, 1);
    assert_false(bench->report.saved);
    assert_int_equal(bench->report.save_fault.err, ERR_NOT_FOUND);
    assert_int_equal(release_counters(bench->release)->unsaved, 1);
}

static void test_reload_without_a_path(void **state)
{
    struct bench *bench = *state;
    struct release_request request = {0};
    assert_int_equal(release_reload(bench->release, &request, &bench->report), ERR_INVALID);
    assert_int_equal(bench->report.version, 0);
}

static void test_a_report_as_json(void **state)
{
    struct bench *bench = *state;
    struct buffer out = buffer_heap(65536);
    reload_ok(bench, rules_v1, 1);
    release_report_json(&bench->report, &out);
    buffer_add_byte(&out, '\0');
    assert_non_null(strstr(out.at, "{\"ok\":true,\"unchanged\":false"));
    assert_non_null(strstr(out.at, "\"rules\":{\"added\":[\"one\",\"two\"]"));
    assert_null(strstr(out.at, "\"error\""));
    buffer_clear(&out);
    place_write(bench->place, "policy.lua", "return function(\n");
    assert_refused(bench, 1, RELEASE_LOADED, "");
    release_report_json(&bench->report, &out);
    buffer_add_byte(&out, '\0');
    assert_non_null(strstr(out.at, "\"error\":{\"text\":"));
    assert_non_null(strstr(out.at, "\"line\":"));
    buffer_done(&out);
}

static void test_worker_counts_out_of_range(void **state)
{
    struct fake_workers fake;
    struct release *release;
    (void)state;
    fake_workers_init(&fake);
    struct release_options options = fake_options(&fake, NULL);
    options.workers.count = 0;
    assert_int_equal(release_new(&options, &release), ERR_INVALID);
    options.workers.count = RELEASE_WORKERS_MAX + 1;
    assert_int_equal(release_new(&options, &release), ERR_INVALID);
    release_free(NULL);
    log_set_sink(NULL, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_first_one),
        TEST(test_the_same_bytes_are_nothing),
        TEST(test_a_missing_policy),
        TEST(test_a_syntax_error_has_file_and_line),
        TEST(test_a_half_saved_file),
        TEST(test_the_engine_refuses),
        TEST(test_its_tests_fail),
        TEST(test_each_of_the_workers_refuses),
        TEST(test_rules_and_shared_tables_are_compared),
        TEST(test_rollback),
        TEST(test_rollback_after_a_rollback),
        TEST(test_rollback_after_a_failed_candidate),
        TEST(test_two_stay_warm),
        TEST(test_versions_name_the_failure),
        TEST(test_rebuild_replaces_one_vm),
        TEST(test_a_start_over_a_broken_policy_takes_the_last_good_one),
        TEST(test_a_start_without_a_last_good_one_fails),
        TEST(test_a_copy_that_cannot_be_kept_is_said),
        TEST(test_reload_without_a_path),
        TEST(test_a_report_as_json),
        cmocka_unit_test(test_worker_counts_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
