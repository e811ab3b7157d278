/* SPDX-License-Identifier: Apache-2.0 */
/* The debounce on a clock that is moved by hand, and fingerprints of real files. */
#include "release/release_watch.h"
#include "support/cmocka_all.h"
#include "support_release.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OLD = 10, HALF = 11, NEW = 12 };

static void test_a_save_is_loaded_after_quiet(void **state)
{
    struct release_watch watch;
    (void)state;
    release_watch_init(&watch, OLD, 1000);
    assert_int_equal(release_watch_due_ms(&watch), 1000 + RELEASE_POLL_MS);
    release_watch_touched(&watch, 2000);
    assert_int_equal(release_watch_due_ms(&watch), 2100);
    assert_false(release_watch_look(&watch, NEW, 2050)); /* too early */
    assert_false(release_watch_look(&watch, NEW, 2100)); /* first sight */
    assert_int_equal(release_watch_due_ms(&watch), 2200);
    assert_true(release_watch_look(&watch, NEW, 2200)); /* the same again */
    assert_true(release_watch_loaded(&watch, NEW, 2210));
    assert_int_equal(release_watch_due_ms(&watch), 2210 + RELEASE_POLL_MS);
}

static void test_a_half_saved_file_waits(void **state)
{
    struct release_watch watch;
    (void)state;
    release_watch_init(&watch, OLD, 0);
    release_watch_touched(&watch, 1000);
    assert_false(release_watch_look(&watch, HALF, 1100));
    release_watch_touched(&watch, 1150); /* the rest is written */
    assert_false(release_watch_look(&watch, NEW, 1200));
    assert_false(release_watch_look(&watch, NEW, 1250));
    assert_true(release_watch_look(&watch, NEW, 1350));
}

static void test_a_file_that_changes_without_events_waits(void **state)
{
    struct release_watch watch;
    (void)state;
    release_watch_init(&watch, OLD, 0);
    assert_false(release_watch_look(&watch, HALF, RELEASE_POLL_MS));
    assert_false(release_watch_look(&watch, NEW, RELEASE_POLL_MS + 100));
    assert_true(release_watch_look(&watch, NEW, RELEASE_POLL_MS + 200));
}

static void test_a_touch_without_a_change_is_nothing(void **state)
{
    struct release_watch watch;
    (void)state;
    release_watch_init(&watch, OLD, 0);
    release_watch_touched(&watch, 1000);
    assert_false(release_watch_look(&watch, OLD, 1100));
    assert_int_equal(release_watch_due_ms(&watch), 1100 + RELEASE_POLL_MS);
}

static void test_events_without_an_end_do_not_put_it_off_for_ever(void **state)
{
    struct release_watch watch;
    uint64_t now_ms = 1000;
    unsigned loads = 0;
    (void)state;
    release_watch_init(&watch, OLD, 0);
    for (; now_ms < 1000 + 2 * RELEASE_PATIENCE_MS; now_ms += 50) {
        release_watch_touched(&watch, now_ms);
        if (now_ms >= release_watch_due_ms(&watch) && release_watch_look(&watch, NEW, now_ms)) {
            loads++;
            assert_true(release_watch_loaded(&watch, NEW, now_ms));
        }
    }
    assert_int_equal(loads, 1);
}

static void test_written_while_it_was_loaded(void **state)
{
    struct release_watch watch;
    (void)state;
    release_watch_init(&watch, OLD, 0);
    release_watch_touched(&watch, 1000);
    assert_false(release_watch_look(&watch, HALF, 1100));
    assert_true(release_watch_look(&watch, HALF, 1200));
    assert_false(release_watch_loaded(&watch, NEW, 1210));
    assert_true(release_watch_look(&watch, NEW, 1310));
    assert_true(release_watch_loaded(&watch, NEW, 1320));
}

static void test_blind_polls_faster(void **state)
{
    struct release_watch watch;
    (void)state;
    release_watch_init(&watch, OLD, 0);
    release_watch_set_blind(&watch, true, 10);
    assert_int_equal(release_watch_due_ms(&watch), 10 + RELEASE_BLIND_MS);
    assert_false(release_watch_look(&watch, OLD, 10 + RELEASE_BLIND_MS));
    assert_int_equal(release_watch_due_ms(&watch), 10 + 2 * RELEASE_BLIND_MS);
    release_watch_set_blind(&watch, false, 20);
    assert_int_equal(release_watch_due_ms(&watch), 20 + RELEASE_POLL_MS);
}

static void test_fingerprint_of_a_folder(void **state)
{
    struct release_place *place = *state;
    place_write(place, "policy.lua", "return 1");
    uint64_t before = release_fingerprint(place->policy);
    assert_int_equal(release_fingerprint(place->policy), before);
    place_write(place, "policy.lua", "return 12");
    uint64_t changed = release_fingerprint(place->policy);
    assert_true(changed != before);
    place_write(place, "blocks.csv", "1");
    uint64_t more = release_fingerprint(place->policy);
    assert_true(more != changed);
    place_write(place, "README.md", "x");
    place_write(place, ".policy.lua.swp", "x");
    place_write(place, "policy.lua~", "x");
    assert_int_equal(release_fingerprint(place->policy), more);
    place_remove(place, "blocks.csv");
    assert_true(release_fingerprint(place->policy) != more);
}

static void test_fingerprint_sees_a_rename_and_a_folder_below(void **state)
{
    struct release_place *place = *state;
    char below[512];
    place_write(place, "policy.lua", "return 1");
    uint64_t before = release_fingerprint(place->policy);
    place_write(place, "new", "return 2");
    place_rename(place, "new", "policy.lua");
    uint64_t renamed = release_fingerprint(place->policy);
    assert_true(renamed != before);
    snprintf(below, sizeof(below), "%s/lib", place->policy);
    assert_int_equal(mkdir(below, 0700), 0);
    place_write(place, "lib/numbers.lua", "return {}");
    uint64_t with_lib = release_fingerprint(place->policy);
    assert_true(with_lib != renamed);
    place_write(place, "lib/numbers.lua", "return {1}");
    assert_true(release_fingerprint(place->policy) != with_lib);
}

static void test_fingerprint_of_what_is_not_there(void **state)
{
    struct release_place *place = *state;
    char missing[512];
    snprintf(missing, sizeof(missing), "%s/missing", place->root);
    assert_int_equal(release_fingerprint(missing), release_fingerprint(missing));
    place_write(place, "policy.lua", "return 1");
    assert_true(release_fingerprint(missing) != release_fingerprint(place->policy));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_save_is_loaded_after_quiet),
        cmocka_unit_test(test_a_half_saved_file_waits),
        cmocka_unit_test(test_a_file_that_changes_without_events_waits),
        cmocka_unit_test(test_a_touch_without_a_change_is_nothing),
        cmocka_unit_test(test_events_without_an_end_do_not_put_it_off_for_ever),
        cmocka_unit_test(test_written_while_it_was_loaded),
        cmocka_unit_test(test_blind_polls_faster),
        cmocka_unit_test_setup_teardown(test_fingerprint_of_a_folder, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_fingerprint_sees_a_rename_and_a_folder_below, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_fingerprint_of_what_is_not_there, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
