/* SPDX-License-Identifier: Apache-2.0 */
/* The statistics of shadow and probation: what is counted, when a band is left, and what callers cannot bring about. */
#include "release/release_band.h"
#include "support/cmocka_all.h"
#include "util/buffer.h"
#include "util/json.h"
#include "util/siphash.h"
#include <stdlib.h>
#include <string.h>

static const struct siphash_key key = {3, 4};

static uint64_t hash_of(unsigned number)
{
    return siphash(&key, &number, sizeof(number));
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct release_tally));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

/* `times` pairs for `target` from `source`: old code, new code. */
static void add(struct release_tally *tally, unsigned target, unsigned source, unsigned old_code, unsigned new_code,
                unsigned times)
{
    struct release_pair pair = {
        .old = {.code = old_code, .rule = "old rule", .content = old_code},
        .new = {.code = new_code, .rule = "new rule", .content = new_code},
        .target = hash_of(target),
        .source = hash_of(1000000 + source),
        .method = SPAN("INVITE"),
        .aor = SPAN("alice@example.com"),
        .call_id = SPAN("abc@host"),
    };
    while (times-- > 0)
        release_tally_add(tally, &pair);
}

static void add_failure(struct release_tally *tally, unsigned target, enum policy_failure old_failure,
                        enum policy_failure new_failure)
{
    struct release_pair pair = {
        .old = {.code = 500, .rule = "r", .failure = old_failure},
        .new = {.code = 500, .rule = "r", .failure = new_failure},
        .target = hash_of(target),
        .source = hash_of(2000000 + target % 50),
    };
    release_tally_add(tally, &pair);
}

static bool left(const struct release_tally *tally, enum release_measure *out_measure)
{
    struct release_band band;
    release_band_default(&band);
    return release_band_left(&band, tally, out_measure);
}

static void one_request_cannot_do_it(void **state)
{
    struct release_tally *tally = *state;
    enum release_measure measure;
    add(tally, 1, 1, 200, 410, 1);
    assert_false(left(tally, &measure));
    add(tally, 1, 1, 200, 410, 50);
    assert_false(left(tally, &measure));
}

static void everybody_gone_is_left_whoever_calls(void **state)
{
    struct release_tally *tally = *state;
    enum release_measure measure;
    /* One number that is called again and again: after enough of them, since not one pair agrees. */
    add(tally, 1, 1, 200, 410, RELEASE_PAIRS_LEAST - 1);
    assert_false(left(tally, &measure));
    add(tally, 1, 1, 200, 410, 1);
    assert_true(left(tally, &measure));
    assert_int_equal(measure, RELEASE_GONE);
    /* One pair that agrees, and it is no longer everybody. */
    add(tally, 2, 1, 200, 200, 1);
    assert_false(left(tally, &measure));
}

static void many_targets_need_no_hundred_requests(void **state)
{
    struct release_tally *tally = *state;
    enum release_measure measure;
    for (unsigned i = 0; i < RELEASE_TARGETS_LEAST; i++) {
        assert_false(left(tally, &measure));
        add(tally, i, i, 200, 410, 1);
    }
    assert_true(left(tally, &measure));
    assert_int_equal(measure, RELEASE_GONE);
}

/* The limit is 1 %, and 99.9 % of confidence begin at z = 3.09. */
static void a_share_is_over_the_limit_beyond_doubt(void **state)
{
    struct release_tally *tally = *state;
    enum release_measure measure;
    for (unsigned i = 0; i < 3000; i++)
        add(tally, i, i % 100, i % 100 == 0 ? 200 : 404, i % 100 == 0 ? 410 : 404, 1);
    assert_int_equal(tally->targets.with[RELEASE_GONE], 30);
    assert_false(left(tally, &measure)); /* exactly 1 % */
    for (unsigned i = 3000; i < 3010; i++)
        add(tally, i, i, 200, 410, 1);
    assert_false(left(tally, &measure)); /* 40 of 3,010 is 1.33 %, and z is 1.8 */
    for (unsigned i = 3010; i < 3020; i++)
        add(tally, i, i, 200, 410, 1);
    assert_true(left(tally, &measure)); /* 50 of 3,020: z is 3.6 */
}

/* Callers choose what they call, and how often: the pairs agree, whatever the mix. */
static void the_mix_moves_nothing(void **state)
{
    struct release_tally *tally = *state;
    enum release_measure measure;
    for (unsigned i = 0; i < 500; i++)
        add(tally, i, i % 40, 200, 200, 2);
    for (unsigned i = 0; i < 4000; i++)
        add(tally, 10000 + i, 7, 410, 410, 5); /* a flood of retired numbers */
    assert_false(left(tally, &measure));
    assert_int_equal(tally->with[RELEASE_GONE], 0);
}

/* One number was retired on purpose; one caller, or many, call nothing else. */
static void a_flood_of_the_one_that_differs(void **state)
{
    struct release_tally *tally = *state;
    enum release_measure measure;
    for (unsigned i = 0; i < 300; i++)
        add(tally, i, i % 40, 200, 200, 1);
    add(tally, 9999, 7, 200, 410, 100000);
    for (unsigned source = 0; source < 500; source++)
        add(tally, 9999, 100 + source, 200, 410, 100);
    assert_false(left(tally, &measure));
    assert_int_equal(tally->targets.with[RELEASE_GONE], 1);
}

/* A block of numbers was closed on purpose, and one source walks through it. */
static void one_source_is_not_enough(void **state)
{
    struct release_tally *tally = *state;
    enum release_measure measure;
    for (unsigned i = 0; i < 300; i++)
        add(tally, i, i % 40, 200, 200, 1);
    for (unsigned i = 0; i < 2000; i++)
        add(tally, 10000 + i, 7, 200, 410, 1);
    assert_false(left(tally, &measure));
    for (unsigned i = 0; i < 40; i++) /* the others meet them too */
        add(tally, 10000 + i, i, 200, 410, 1);
    assert_true(left(tally, &measure));
}

static void errors_and_kills_have_bands_of_their_own(void **state)
{
    struct release_tally *tally = *state;
    enum release_measure measure;
    for (unsigned i = 0; i < 100; i++)
        add_failure(tally, i, POLICY_FAILED_ERROR, POLICY_FAILED_ERROR); /* both alike: nothing */
    assert_false(left(tally, &measure));
    for (unsigned i = 0; i < 20; i++)
        add_failure(tally, i, POLICY_FAILED_NOT, POLICY_FAILED_FUEL);
    assert_true(left(tally, &measure));
    assert_int_equal(measure, RELEASE_KILLS);
    memset(tally, 0, sizeof(*tally));
    for (unsigned i = 0; i < 20; i++)
        add_failure(tally, i, POLICY_FAILED_NOT, POLICY_FAILED_NONSENSE);
    assert_true(left(tally, &measure));
    assert_int_equal(measure, RELEASE_ERRORS);
    memset(tally, 0, sizeof(*tally));
    for (unsigned i = 0; i < 200; i++) /* a directory that cannot be read is nobody's fault */
        add_failure(tally, i, POLICY_FAILED_NOT, POLICY_FAILED_DIRECTORY);
    assert_false(left(tally, &measure));
}

static void lost_410s_are_seen(void **state)
{
    struct release_tally *tally = *state;
    enum release_measure measure;
    for (unsigned i = 0; i < 50; i++)
        add(tally, i, i, 410, 404, 1);
    assert_true(left(tally, &measure));
    assert_int_equal(measure, RELEASE_NOT_GONE);
}

static void what_is_expected_is_allowed(void **state)
{
    struct release_tally *tally = *state;
    struct release_band band;
    struct fault fault;
    enum release_measure measure;
    for (unsigned i = 0; i < 1000; i++)
        add(tally, i, i % 50, 200, i % 20 == 0 ? 410 : 200, 1); /* 5 % */
    release_band_default(&band);
    assert_true(release_band_left(&band, tally, &measure));
    assert_int_equal(release_band_expect(SPAN("410 +2%"), &band, &fault), OK);
    assert_int_equal(band.limits[RELEASE_GONE], 30000);
    assert_true(release_band_left(&band, tally, &measure)); /* 5 % is more than was announced */
    assert_int_equal(release_band_expect(SPAN("410 +2%"), &band, &fault), OK);
    assert_false(release_band_left(&band, tally, &measure));
}

static void texts_are_read(void **state)
{
    struct release_band band = {0};
    struct fault fault = {0};
    (void)state;
    assert_int_equal(
        release_band_parse(SPAN("410 0.5%, lost 410 7%,errors 1.25% , kills 0%, diff 100%"), &band, &fault), OK);
    assert_int_equal(band.limits[RELEASE_GONE], 5000);
    assert_int_equal(band.limits[RELEASE_NOT_GONE], 70000);
    assert_int_equal(band.limits[RELEASE_ERRORS], 12500);
    assert_int_equal(band.limits[RELEASE_KILLS], 0);
    assert_int_equal(band.limits[RELEASE_DIFF], RELEASE_WHOLE);
    assert_int_equal(release_band_parse(SPAN(""), &band, &fault), OK);
    assert_int_equal(release_band_expect(SPAN("410 -5% and diff +30%"), &band, &fault), OK);
    assert_int_equal(band.limits[RELEASE_NOT_GONE], 120000);
    static const char *const bad_bands[] = {"410",    "410 1",   "410 101%", "410 1.23456%",
                                            "411 1%", "410 -1%", "x",        "410 1% 2%"};
    for (size_t i = 0; i < sizeof(bad_bands) / sizeof(bad_bands[0]); i++)
        assert_int_equal(release_band_parse(span_of(bad_bands[i]), &band, &fault), ERR_INVALID);
    static const char *const bad_expected[] = {"", " ", "410 2%", "errors -1%", "410 +", "+2%", "410 +2"};
    for (size_t i = 0; i < sizeof(bad_expected) / sizeof(bad_expected[0]); i++) {
        assert_int_equal(release_band_expect(span_of(bad_expected[i]), &band, &fault), ERR_INVALID);
        assert_non_null(strstr(fault.text, "expected a change such as"));
    }
    struct release_condition condition;
    assert_int_equal(release_condition_parse(SPAN("diff < 0.1%"), &condition, &fault), OK);
    assert_true(condition.set);
    assert_int_equal(condition.below.limits[RELEASE_DIFF], 1000);
    assert_int_equal(condition.below.limits[RELEASE_GONE], RELEASE_WHOLE);
    assert_int_equal(release_condition_parse(SPAN("410<0.5% and errors < 1%"), &condition, &fault), OK);
    static const char *const bad_conditions[] = {"", "diff", "diff > 1%", "diff < 0%", "diff < 1", "diff <= 1%"};
    for (size_t i = 0; i < sizeof(bad_conditions) / sizeof(bad_conditions[0]); i++)
        assert_int_equal(release_condition_parse(span_of(bad_conditions[i]), &condition, &fault), ERR_INVALID);
}

static bool holds(const struct release_tally *tally, const char *text, const char *says)
{
    struct release_condition condition;
    char memory[512];
    struct buffer why = buffer_over(memory, sizeof(memory) - 1);
    assert_int_equal(release_condition_parse(span_of(text), &condition, NULL), OK);
    bool result = release_condition_holds(&condition, tally, &why);
    memory[why.len] = '\0';
    if (!strstr(memory, says))
        fail_msg("expected '%s' in '%s'", says, memory);
    return result;
}

static void a_condition_needs_enough_to_tell(void **state)
{
    struct release_tally *tally = *state;
    for (unsigned i = 0; i < 999; i++)
        add(tally, i, i, 200, 200, 1);
    assert_false(holds(tally, "diff < 0.1%", "1000 requests are needed to tell 0.1 %"));
    add(tally, 999, 1, 200, 200, 1);
    assert_true(holds(tally, "diff < 0.1%", "0 of 1000 targets"));
    add(tally, 1000, 1, 200, 404, 1);
    assert_true(holds(tally, "diff < 0.1%", "1 of 1001 targets"));
    add(tally, 1001, 1, 200, 404, 1);
    assert_false(holds(tally, "diff < 0.1%", "not below 0.1 %"));
    assert_true(holds(tally, "410 < 0.1%, diff < 1%", "410: 0 of 1002"));
}

/* Requests that agree, repeated, do not hide targets that do not. */
static void repeating_dilutes_nothing(void **state)
{
    struct release_tally *tally = *state;
    for (unsigned i = 0; i < 10; i++)
        add(tally, i, i, 200, 404, 1);
    add(tally, 500, 1, 200, 200, 100000);
    assert_false(holds(tally, "diff < 0.1%", "not below"));
}

static void kinds_and_examples_are_kept(void **state)
{
    struct release_tally *tally = *state;
    struct release_tally *other = calloc(1, sizeof(*other)), *sum = calloc(1, sizeof(*sum));
    struct buffer out = buffer_heap(1 << 20);
    struct json json = json_into(&out);
    add(tally, 1, 1, 404, 410, 3);
    add(tally, 2, 1, 200, 480, 1);
    add(other, 1, 2, 404, 410, 4);
    add(other, 3, 2, 0, 200, 1);
    release_tally_merge(sum, tally);
    release_tally_merge(sum, other);
    assert_int_equal(sum->pairs, 9);
    assert_int_equal(sum->with[RELEASE_DIFF], 9);
    assert_int_equal(sum->with[RELEASE_GONE], 7);
    assert_int_equal(sum->targets.total, 3); /* target 1 called both workers, and is one */
    assert_int_equal(sum->targets.with[RELEASE_GONE], 1);
    assert_int_equal(sum->sources.total, 2);
    assert_int_equal(sum->kind_count, 3);
    assert_int_equal(sum->kinds[0].count, 7);
    json_object_begin(&json);
    release_tally_json(sum, &json);
    json_object_end(&json);
    buffer_add_byte(&out, '\0');
    assert_non_null(strstr(out.at, "\"kinds\":[{\"count\":7,\"from\":{\"code\":404,\"rule\":\"old rule\"},"
                                   "\"to\":{\"code\":410,\"rule\":\"new rule\"}}"));
    assert_non_null(strstr(out.at, "\"target\":\"alice@example.com\""));
    buffer_done(&out);
    free(sum);
    free(other);
}

/* More kinds, targets and sources than there is room for are still counted as pairs. */
static void tables_that_are_full(void **state)
{
    struct release_tally *tally = *state;
    for (unsigned i = 0; i < 3 * RELEASE_TARGETS_MAX; i++)
        add(tally, i, i, 400 + i % 100, 500 + i % 97, 1);
    assert_int_equal(tally->pairs, 3 * RELEASE_TARGETS_MAX);
    assert_int_equal(tally->with[RELEASE_DIFF], 3 * RELEASE_TARGETS_MAX);
    assert_int_equal(tally->kind_count, RELEASE_KINDS_MAX);
    assert_true(tally->unnamed > 0);
    assert_true(tally->targets.total <= RELEASE_TARGETS_MAX && tally->targets.total > RELEASE_TARGETS_MAX / 2);
    assert_true(tally->targets.with[RELEASE_DIFF] == tally->targets.total);
    assert_int_equal(tally->example_count, RELEASE_EXAMPLES_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(one_request_cannot_do_it),
        TEST(everybody_gone_is_left_whoever_calls),
        TEST(many_targets_need_no_hundred_requests),
        TEST(a_share_is_over_the_limit_beyond_doubt),
        TEST(the_mix_moves_nothing),
        TEST(a_flood_of_the_one_that_differs),
        TEST(one_source_is_not_enough),
        TEST(errors_and_kills_have_bands_of_their_own),
        TEST(lost_410s_are_seen),
        TEST(what_is_expected_is_allowed),
        TEST(texts_are_read),
        TEST(a_condition_needs_enough_to_tell),
        TEST(repeating_dilutes_nothing),
        TEST(kinds_and_examples_are_kept),
        TEST(tables_that_are_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
