/* SPDX-License-Identifier: Apache-2.0 */
/* The decision log: lines, sampling, drops when the sink stands still, rotation, reopening. */
#include "decisions/decisions_ring.h"
#include "support/cmocka_all.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char folder[64];
    char file[80];
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    snprintf(place->folder, sizeof(place->folder), "/tmp/verdict-decisions-XXXXXX");
    if (!mkdtemp(place->folder))
        return -1;
    snprintf(place->file, sizeof(place->file), "%s/log", place->folder);
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", place->folder);
    int result = system(command);
    free(place);
    return result;
}

static size_t read_file(const char *path, char *out, size_t cap)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    size_t len = fread(out, 1, cap - 1, file);
    out[len] = '\0';
    fclose(file);
    return len;
}

static struct decisions_log *open_log(struct decisions_options *options)
{
    struct decisions_log *log = NULL;
    struct fault fault = {0};
    assert_int_equal(decisions_log_new(options, 2, &log, &fault), OK);
    return log;
}

static const struct decisions_record sample = {
    .kind = DECISIONS_RECORD_DECISION,
    .wall_ms = 1767225600123,
    .version = 7,
    .status = 410,
    .micros = 12,
    .call_id = {"a\"b@c", 5},
    .method = {"INVITE", 6},
    .target = {"+15550101@example.com", 21},
    .rule = {"retired", 7},
    .verdict = {"gone", 4},
};

static void test_a_line_says_it_all(void **state)
{
    struct place *place = *state;
    struct decisions_options options = {.mode = DECISIONS_ALL, .file = place->file};
    struct decisions_log *log = open_log(&options);
    decisions_log_put(log, 1, &sample);
    decisions_log_free(log);
    char text[1024];
    assert_true(read_file(place->file, text, sizeof(text)) > 0);
    assert_string_equal(text, "{\"time\":\"2026-01-01T00:00:00.123Z\",\"event\":\"decision\",\"call_id\":\"a\\\"b@c\","
                              "\"method\":\"INVITE\",\"target\":\"+15550101@example.com\",\"version\":7,"
                              "\"rule\":\"retired\",\"verdict\":\"gone\",\"status\":410,\"us\":12}\n");
}

static void test_sampling_keeps_whole_calls_and_all_failures(void **state)
{
    struct place *place = *state;
    struct decisions_options options = {.mode = DECISIONS_SAMPLE, .sample = 100, .file = place->file};
    struct decisions_log *log = open_log(&options);
    unsigned wanted = 0;
    for (uint64_t hash = 0; hash < 10000; hash++)
        wanted += decisions_log_wants(log, hash, false);
    assert_int_equal(wanted, 100);
    assert_true(decisions_log_wants(log, 1, true));
    decisions_log_free(log);
    options.mode = DECISIONS_ERRORS;
    log = open_log(&options);
    assert_false(decisions_log_wants(log, 0, false));
    assert_true(decisions_log_wants(log, 0, true));
    decisions_log_free(log);
}

static void test_a_sink_that_stands_still_costs_lines_only(void **state)
{
    struct place *place = *state;
    assert_int_equal(mkfifo(place->file, 0600), 0);
    int reader = open(place->file, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0); /* never read from */
    struct decisions_options options = {.mode = DECISIONS_ALL, .file = place->file};
    struct decisions_log *log = open_log(&options);
    unsigned puts = 2 * DECISIONS_RING_BYTES / sizeof(struct decisions_record);
    for (unsigned i = 0; i < puts; i++)
        decisions_log_put(log, 0, &sample);
    assert_true(decisions_log_dropped(log) > 0);
    decisions_log_free(log); /* returns although nobody reads */
    close(reader);
}

static void test_rotation_keeps_so_many(void **state)
{
    struct place *place = *state;
    struct decisions_options options = {.mode = DECISIONS_ALL, .file = place->file, .max_bytes = 1, .keep = 2};
    for (int i = 0; i < 5; i++) {
        struct decisions_log *log = open_log(&options);
        decisions_log_put(log, 0, &sample);
        decisions_log_free(log);
    }
    char name[128], text[1024];
    snprintf(name, sizeof(name), "%s.1", place->file);
    assert_true(read_file(name, text, sizeof(text)) > 0);
    snprintf(name, sizeof(name), "%s.2", place->file);
    assert_true(read_file(name, text, sizeof(text)) > 0);
    snprintf(name, sizeof(name), "%s.3", place->file);
    assert_int_equal(read_file(name, text, sizeof(text)), 0);
}

static void test_reopening_after_a_move(void **state)
{
    struct place *place = *state;
    struct decisions_options options = {.mode = DECISIONS_ALL, .file = place->file};
    struct decisions_log *log = open_log(&options);
    char moved[128], text[1024];
    snprintf(moved, sizeof(moved), "%s.moved", place->file);
    assert_int_equal(rename(place->file, moved), 0);
    decisions_log_reopen(log);
    for (int i = 0; i < 500 && access(place->file, F_OK) != 0; i++)
        usleep(10000); /* the writer looks every few milliseconds */
    decisions_log_put(log, 0, &sample);
    decisions_log_free(log);
    assert_true(read_file(place->file, text, sizeof(text)) > 0);
    assert_int_equal(read_file(moved, text, sizeof(text)), 0);
}

static void test_a_file_that_cannot_be_opened_is_said(void **state)
{
    (void)state;
    char path[] = "/nonexistent/folder/log";
    struct decisions_options options = {.mode = DECISIONS_ALL, .file = path};
    struct decisions_log *log = NULL;
    struct fault fault = {0};
    assert_int_equal(decisions_log_new(&options, 1, &log, &fault), ERR_IO);
    assert_null(log);
    assert_string_equal(fault.file, path);
}

static void test_the_ring_keeps_order_and_cuts_long_texts(void **state)
{
    (void)state;
    static struct decisions_ring ring;
    char scratch[DECISIONS_RECORD_MAX], long_text[1000];
    memset(long_text, 'x', sizeof(long_text));
    assert_int_equal(decisions_ring_init(&ring), OK);
    struct decisions_record record = sample, out;
    for (unsigned round = 0; round < 40000; round++) { /* several times around */
        record.status = round;
        record.reason = span_make(long_text, sizeof(long_text));
        decisions_ring_put(&ring, &record);
        assert_true(decisions_ring_take(&ring, scratch, &out));
        assert_int_equal(out.status, round);
        assert_true(span_equal(out.rule, sample.rule));
        assert_int_equal(out.reason.len, 300);
    }
    assert_false(decisions_ring_take(&ring, scratch, &out));
    decisions_ring_done(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_line_says_it_all, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_sampling_keeps_whole_calls_and_all_failures, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_a_sink_that_stands_still_costs_lines_only, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_rotation_keeps_so_many, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_reopening_after_a_move, make_place, remove_place),
        cmocka_unit_test(test_a_file_that_cannot_be_opened_is_said),
        cmocka_unit_test(test_the_ring_keeps_order_and_cuts_long_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
