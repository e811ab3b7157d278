/* SPDX-License-Identifier: Apache-2.0 */
/* Every step on the way of a new version, made to fail in every way that it can: one table.  After each failure the version
 * that decided before decides, with its state, the shadow that was going goes on unless its place was taken, no more VMs are
 * held than before, and the next good reload works. */
#include "policy/policy.h"
#include "release/release.h"
#include "sip/sip_message.h"
#include "support/cmocka_all.h"
#include "support/failing_malloc.h"
#include "support_release.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLICY(tag, ttl, body)                                                                                         \
    "-- " tag "\nreturn policy { on_error = reject(500) {}, default = ok {},\n"                                        \
    "  shared = { calls = counter { ttl = " ttl ", max = 100 } }, rules = {\n" body "} }\n"
#define COUNT "  { 'count', decide = function(req, env) if env.calls:incr 'k' > 1000 then return drop end end },\n"

static const char good[] = POLICY("good", "60", COUNT);
static const char next[] = POLICY("next", "60", COUNT);
static const char other_options[] = POLICY("other", "61", COUNT);

struct bench {
    struct release_place *place;
    struct fake_workers fake;
    struct release *release;
    struct release_report report;
    unsigned asked;
};

/* ---- What is done before the reload that is to fail, and undone after it ---- */

static void no_file(struct bench *bench)
{
    place_remove(bench->place, "policy.lua");
}

static void not_readable(struct bench *bench)
{
    /* A link that leads out of the folder is refused when the bytes are read. */
    char path[400];
    place_remove(bench->place, "policy.lua");
    snprintf(path, sizeof(path), "%s/policy.lua", bench->place->policy);
    assert_int_equal(symlink("/etc/hostname", path), 0);
}

static void too_large(struct bench *bench)
{
    char path[400];
    place_write(bench->place, "big.lua", "-- ");
    snprintf(path, sizeof(path), "%s/big.lua", bench->place->policy);
    assert_int_equal(truncate(path, SOURCE_SCRIPT_MAX + 1), 0);
}

static void no_such_data(struct bench *bench)
{
    place_write(
        bench->place, "policy.lua",
        "return policy { on_error = reject(500) {}, default = ok {}, data = { d = ranges 'none.csv' }, rules = {} }\n");
}

static void bad_data(struct bench *bench)
{
    place_write(bench->place, "blocks.csv", "+1555\nnot a number\n");
    place_write(bench->place, "policy.lua",
                "return policy { on_error = reject(500) {}, default = ok {}, data = { d = ranges 'blocks.csv' }, rules "
                "= {} }\n");
}

static void bad_syntax(struct bench *bench)
{
    place_write(bench->place, "policy.lua", "return policy {{\n");
}

static void raises_at_load(struct bench *bench)
{
    place_write(bench->place, "policy.lua", "error 'at load'\n");
}

static void endless_at_load(struct bench *bench)
{
    place_write(bench->place, "policy.lua", "while true do end\n");
}

static void bad_schema(struct bench *bench)
{
    place_write(bench->place, "policy.lua", "return policy { default = ok {} }\n");
}

static void unknown_global(struct bench *bench)
{
    place_write(bench->place, "policy.lua", "return function(req) return okay {} end\n");
}

static void engine_refuses(struct bench *bench)
{
    bench->fake.accept_err = ERR_CONFLICT;
}

static void a_test_fails(struct bench *bench)
{
    bench->fake.test_err = OK;
    bench->fake.test_summary = (struct authoring_test_summary){.passed = 2, .failed = 1};
}

static void tests_cannot_run(struct bench *bench)
{
    bench->fake.test_err = ERR_NOMEM;
}

static void first_worker_refuses(struct bench *bench)
{
    bench->fake.refuse_index = 0;
}

static void last_worker_refuses(struct bench *bench)
{
    bench->fake.refuse_index = FAKE_WORKERS - 1;
}

static void last_worker_refuses_other_tables(struct bench *bench)
{
    place_write(bench->place, "policy.lua", other_options);
    bench->fake.refuse_index = FAKE_WORKERS - 1;
}

static void last_worker_is_silent(struct bench *bench)
{
    bench->fake.refuse_index = FAKE_WORKERS - 1;
    bench->fake.refuse_silent = true;
}

static const struct {
    const char *step;
    const char *failure;
    void (*spoil)(struct bench *bench);
    enum release_state reached;
    const char *says;
    bool takes_the_place; /* the shadow that was going had to make room */
} table[] = {
    {"read", "there is no file", no_file, RELEASE_LOADED, "policy.lua", false},
    {"read", "it may not be read", not_readable, RELEASE_LOADED, "leads out", false},
    {"read", "a file is too large", too_large, RELEASE_LOADED, "1048576 bytes", false},
    {"validate", "it does not compile", bad_syntax, RELEASE_LOADED, "", false},
    {"validate", "it raises when loaded", raises_at_load, RELEASE_LOADED, "at load", false},
    {"validate", "it never ends", endless_at_load, RELEASE_LOADED, "", false},
    {"validate", "the schema is wrong", bad_schema, RELEASE_LOADED, "on_error", false},
    {"validate", "a global is unknown", unknown_global, RELEASE_LOADED, "okay", false},
    {"validate", "its data is not there", no_such_data, RELEASE_LOADED, "none.csv", false},
    {"validate", "its data is malformed", bad_data, RELEASE_LOADED, "ranges", false},
    {"validate", "the engine cannot run it", engine_refuses, RELEASE_LOADED, "directory", false},
    {"test", "a test fails", a_test_fails, RELEASE_VALIDATED, "1 of 3 tests", false},
    {"test", "the tests cannot run", tests_cannot_run, RELEASE_VALIDATED, "", false},
    {"stage", "the first worker refuses", first_worker_refuses, RELEASE_TESTED, "worker", true},
    {"stage", "the last worker refuses", last_worker_refuses, RELEASE_TESTED, "worker", true},
    {"stage", "the last one refuses other tables", last_worker_refuses_other_tables, RELEASE_TESTED, "worker", true},
    {"stage", "the last worker gives no reason", last_worker_is_silent, RELEASE_TESTED, "worker 3 of 3", true},
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
    options.probation_ms = 60000;
    release_band_default(&options.band);
    *state = &bench;
    return facts_shared_registry_new(&bench.fake.shared) == OK && release_new(&options, &bench.release) == OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    release_report_done(&bench->report);
    release_free(bench->release);
    facts_shared_registry_free(bench->fake.shared);
    log_set_sink(NULL, NULL);
    void *place = bench->place;
    return place_teardown(&place);
}

static enum err reload(struct bench *bench, uint32_t shadow_ms)
{
    struct release_request request = {.path = bench->place->policy, .shadow_ms = shadow_ms};
    release_report_done(&bench->report);
    return release_reload(bench->release, &request, &bench->report);
}

/* One request on every worker, by the version that is active there: its state lives on. */
static void decides_as_before(struct bench *bench, uint64_t version)
{
    static const char bytes[] = "OPTIONS sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\n"
                                "From: <sip:b@h>;tag=1\r\nTo: <sip:a@example.com>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"
                                "Content-Length: 0\r\n\r\n";
    struct sip_problem problem;
    struct sip_message message;
    struct policy_decision decision;
    assert_int_equal(sip_message_parse(&message, SPAN(bytes), SIP_DATAGRAM, &problem), OK);
    struct policy_request view = {.message = &message};
    fake_assert_active(&bench->fake, version);
    for (int index = 0; index < FAKE_WORKERS; index++) {
        const struct fake_worker *worker = &bench->fake.workers[index];
        for (int at = 0; at < FAKE_HELD_MAX; at++) {
            if (worker->versions[at] != version)
                continue;
            policy_decide(worker->policies[at], &view, &decision);
            assert_int_equal(decision.answer->code, 200);
            bench->asked++;
            struct facts_shared *calls = NULL;
            bool kept;
            uint64_t count;
            struct facts_shared_spec spec = {FACTS_COUNTER, .ttl_ms = 60000, .max = 100};
            assert_int_equal(facts_shared_open(bench->fake.shared, SPAN("calls"), &spec, &calls, &kept, NULL), OK);
            assert_true(kept);
            assert_int_equal(facts_shared_read(calls, SPAN("k"), 0, &count), OK);
            assert_int_equal(count, bench->asked);
            facts_shared_unref(calls);
        }
    }
}

static void mend(struct bench *bench, const char *text)
{
    char path[400];
    static const char *const leavings[] = {"policy.lua", "big.lua", "blocks.csv"};
    for (size_t i = 0; i < sizeof(leavings) / sizeof(leavings[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", bench->place->policy, leavings[i]);
        (void)unlink(path);
    }
    place_write(bench->place, "policy.lua", text);
    bench->fake.refuse_index = -1;
    bench->fake.refuse_silent = false;
    bench->fake.accept_err = OK;
    bench->fake.test_err = ERR_NOT_FOUND;
}

static uint64_t begin(struct bench *bench)
{
    mend(bench, good);
    bench->asked = 0;
    assert_int_equal(reload(bench, 0), OK);
    decides_as_before(bench, bench->report.version);
    return bench->report.version;
}

static void every_step_fails_in_every_way(void **state)
{
    struct bench *bench = *state;
    for (size_t row = 0; row < sizeof(table) / sizeof(table[0]); row++) {
        void *fresh = bench;
        assert_int_equal(teardown(&fresh), 0);
        assert_int_equal(setup(&fresh), 0);
        uint64_t active = begin(bench);
        unsigned held = fake_held(&bench->fake, 0);
        mend(bench, next);
        table[row].spoil(bench);
        enum err err = reload(bench, 0);
        if (err == OK || bench->report.ok || bench->report.reached != table[row].reached ||
            (!strstr(bench->report.fault.text, table[row].says) && !strstr(bench->report.fault.file, table[row].says)))
            fail_msg("%s, %s: %d at %s: %s: %s", table[row].step, table[row].failure, (int)err,
                     release_state_name(bench->report.reached), bench->report.fault.file, bench->report.fault.text);
        decides_as_before(bench, active);
        for (unsigned index = 0; index < FAKE_WORKERS; index++)
            assert_int_equal(fake_held(&bench->fake, index), held);
        mend(bench, next);
        if (reload(bench, 0) != OK)
            fail_msg("after %s, %s: %s", table[row].step, table[row].failure, bench->report.fault.text);
        assert_string_equal(bench->report.kept.list[0], "calls");
        decides_as_before(bench, bench->report.version);
    }
}

static void a_shadow_goes_on_beside_a_failure(void **state)
{
    struct bench *bench = *state;
    for (size_t row = 0; row < sizeof(table) / sizeof(table[0]); row++) {
        void *fresh = bench;
        assert_int_equal(teardown(&fresh), 0);
        assert_int_equal(setup(&fresh), 0);
        uint64_t active = begin(bench);
        mend(bench, POLICY("shadow", "60", COUNT));
        assert_int_equal(reload(bench, 60000), OK);
        uint64_t candidate = bench->report.candidate;
        mend(bench, next);
        table[row].spoil(bench);
        assert_true(reload(bench, 0) != OK);
        assert_int_equal(bench->fake.comparing.version, table[row].takes_the_place ? 0 : candidate);
        decides_as_before(bench, active);
        mend(bench, next);
        assert_int_equal(reload(bench, 0), OK);
        decides_as_before(bench, bench->report.version);
        assert_true(bench->fake.most_held <= 3);
    }
}

/* Memory that gives out anywhere on the way: the n-th allocation fails, for every n that there is. */
static void memory_gives_out(void **state)
{
    struct bench *bench = *state;
    uint64_t active = begin(bench);
    mend(bench, next);
    for (unsigned at = 1;; at++) {
        failing_malloc_at(at);
        enum err err = reload(bench, 0);
        bool failed = failing_malloc_off();
        if (err == OK && bench->report.version != active)
            break;
        if (!failed)
            fail_msg("refused without a failed allocation: %s", bench->report.fault.text);
        fake_assert_active(&bench->fake, active);
        at += at / 16; /* the first ones one by one, then in strides */
    }
    decides_as_before(bench, bench->report.version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_step_fails_in_every_way, setup, teardown),
        cmocka_unit_test_setup_teardown(a_shadow_goes_on_beside_a_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_gives_out, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
