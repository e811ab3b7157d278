/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that share a value of the journal, and changes that share a commit. */
#include "store/store_file.h"
#include "store/store_reader.h"
#include "support_registrar.h"
#include <stdlib.h>

/* ---- values ---- */

enum { OLD_FORMAT = 1, ROWS = 0, PACK_HEAD = 12, TEXT_MAX = 64 };
static const struct store_table rows_table[] = {{"rows", true}};

static struct store *open_as(const char *path, uint32_t format)
{
    struct store_options options = {
        .tables = rows_table, .table_count = 1, .kind = "bindings", .format = format, .create = true};
    struct store *store = NULL;
    struct fault fault = {0};
    if (store_open(path, &options, &store, &fault) != OK)
        fail_msg("%s", fault.text);
    return store;
}

/* Takes the one row out of each value of the journal, as it was written when each was a value of its own. */
static void write_as_of_old(struct bench *bench)
{
    char old_path[sizeof(bench->path) + 8];
    snprintf(old_path, sizeof(old_path), "%s.old", bench->path);
    struct store *new_store = open_as(bench->path, 2), *old_store = open_as(old_path, OLD_FORMAT);
    struct store_reader *reader;
    struct store_txn *from, *to;
    struct store_cursor *cursor;
    struct span key, value;
    assert_int_equal(store_reader_open(new_store, &reader), OK);
    assert_int_equal(store_reader_begin(reader, &from, NULL), OK);
    assert_int_equal(store_cursor_open(from, ROWS, &cursor), OK);
    assert_int_equal(store_write_begin(old_store, &to), OK);
    enum err err = store_cursor_move(cursor, STORE_FIRST, &key, &value);
    for (; err == OK; err = store_cursor_move(cursor, STORE_NEXT, &key, &value))
        assert_int_equal(store_put(to, ROWS, key, span_slice(value, PACK_HEAD, value.len), STORE_PUT_APPEND), OK);
    assert_int_equal(store_write_commit(to), OK);
    store_cursor_close(cursor);
    store_reader_close(reader);
    store_close(new_store);
    store_close(old_store);
    assert_int_equal(store_remove_folder(bench->path), OK);
    assert_int_equal(rename(old_path, bench->path), 0);
}

/* A row a value was the first format: its journals are read, go on, and are told from those that the older program reads. */
static void what_an_older_version_wrote_is_read(void **state)
{
    struct bench *bench = *state;
    char aor[64];
    bench->options.slack = 1;
    bench_open(bench);
    for (unsigned i = 0; i < 40; i++) {
        snprintf(aor, sizeof(aor), "sip:user%u@example.com", i);
        assert_int_equal(bench_register(bench, aor, "<sip:a@192.0.2.1>", "c", i + 1), ERR_AGAIN);
        bench_commit(bench);
    }
    bench_close(bench);
    write_as_of_old(bench);
    bench_open(bench);
    assert_string_equal(bench_bindings(bench, "user0@example.com"), "sip:a@192.0.2.1");
    assert_string_equal(bench_bindings(bench, "user39@example.com"), "sip:a@192.0.2.1");
    for (unsigned round = 0; round < 3; round++) { /* old rows and new ones side by side, then only new ones */
        for (unsigned i = 0; i < 40; i++) {
            snprintf(aor, sizeof(aor), "sip:user%u@example.com", i);
            assert_int_equal(bench_register(bench, aor, "<sip:a@192.0.2.1>", "c", 100 * round + 100 + i), ERR_AGAIN);
        }
        bench_commit(bench);
        bench_close(bench);
        bench_open(bench);
        struct registrar_census census;
        registrar_census(bench->registrar, &census);
        assert_int_equal(census.users, 40);
    }
    struct registrar_journal_stat stat;
    assert_int_equal(registrar_journal_stat(bench->journal, &stat), OK);
    assert_int_equal(stat.rows, 160); /* a busy commit clears nothing for so little */
    registrar_tick(bench->registrar);
    bench_commit(bench);
    assert_int_equal(registrar_journal_stat(bench->journal, &stat), OK);
    assert_int_equal(stat.rows, 40); /* the last round's */
    bench_close(bench);
    struct store_options options = {.tables = rows_table, .table_count = 1, .kind = "bindings", .format = OLD_FORMAT};
    struct store *store = NULL;
    assert_int_equal(store_open(bench->path, &options, &store, NULL), ERR_UNSUPPORTED);
}

struct counted {
    unsigned rows;
    uint64_t last;
    size_t bytes;
};

static enum err count_row(void *ctx, uint64_t number, struct span row)
{
    struct counted *counted = ctx;
    counted->rows++;
    counted->last = number;
    counted->bytes += row.len;
    return OK;
}

static void rows_come_out_of_values_as_they_went_in(void **state)
{
    struct registrar_packs packs = {.bytes = buffer_heap(1 << 20)};
    struct counted counted = {0};
    char text[TEXT_MAX];
    unsigned values = 0, rows, all = 2500;
    size_t bytes = 0;
    (void)state;
    for (unsigned i = 0; i < all; i++) {
        int len =
            snprintf(text, sizeof(text), "row %u %.*s", i, (int)(i % 40), "abcdefghijklmnopqrstuvwxyzabcdefghijklmn");
        registrar_packs_begin_row(&packs);
        buffer_add(&packs.bytes, text, (size_t)len);
        assert_true(registrar_packs_end_row(&packs));
        bytes += (size_t)len;
    }
    struct span rest = buffer_span(&packs.bytes);
    for (uint64_t number = 7; rest.len; number += rows, values++) {
        struct span value = registrar_packs_take(&rest, &rows);
        unsigned said;
        assert_true(registrar_pack_count(value, &said));
        assert_int_equal(said, rows);
        assert_int_equal(registrar_pack_rows(value, number, count_row, &counted), OK);
        /* Cut anywhere it is damage, and no more is read than there is. */
        char *copy = malloc(value.len);
        for (size_t len = 0; len < value.len; len += 1 + len / 8) {
            memcpy(copy, value.at, len);
            assert_int_equal(registrar_pack_rows(span_make(copy, len), 1, count_row, &(struct counted){0}),
                             ERR_CORRUPT);
        }
        free(copy);
    }
    assert_in_range(values, 3, 8);
    assert_int_equal(counted.rows, all);
    assert_int_equal(counted.last, 7 + all - 1);
    assert_int_equal(counted.bytes, bytes);
    buffer_done(&packs.bytes);
}

static void a_row_without_room_leaves_no_trace(void **state)
{
    struct registrar_packs packs = {.bytes = buffer_heap(64)};
    struct counted counted = {0};
    unsigned rows;
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        registrar_packs_begin_row(&packs);
        buffer_add(&packs.bytes, "0123456789012345678901234567890123456789", i == 1 ? 40 : 10);
        assert_int_equal(registrar_packs_end_row(&packs), i != 1);
    }
    struct span rest = buffer_span(&packs.bytes);
    struct span value = registrar_packs_take(&rest, &rows);
    assert_int_equal(rest.len, 0);
    assert_int_equal(registrar_pack_rows(value, 1, count_row, &counted), OK);
    assert_int_equal(counted.rows, 2);
    assert_int_equal(counted.bytes, 20);
    buffer_done(&packs.bytes);
}

/* ---- gathering ---- */

/* REGISTERs of one turn, and the turn's end. */
static void register_many(struct bench *bench, unsigned first, unsigned count, unsigned cseq)
{
    char aor[64];
    for (unsigned i = first; i < first + count; i++) {
        snprintf(aor, sizeof(aor), "sip:user%u@example.com", i);
        assert_int_equal(bench_register(bench, aor, "<sip:a@192.0.2.1>", "c", cseq), ERR_AGAIN);
    }
    registrar_flush(bench->registrar);
}

/* Two groups that take turns become one: the second waits for those of the first that come again. */
static void many_who_come_again_share_a_commit(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    register_many(bench, 0, 32, 1);
    register_many(bench, 32, 32, 1);
    bench_take(bench);
    registrar_flush(bench->registrar);
    assert_null(bench->registrar->flying); /* the first 32 have been answered, and are expected back */
    register_many(bench, 0, 20, 2);
    assert_null(bench->registrar->flying);
    register_many(bench, 20, 10, 2);
    assert_non_null(bench->registrar->flying); /* nearly all of them */
    assert_int_equal(bench->registrar->flying->count, 62);
    bench_commit(bench);
    assert_int_equal(bench->kept, 32 + 62);
}

static void nobody_waits_long_for_company(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    register_many(bench, 0, 32, 1);
    bench_take(bench);
    register_many(bench, 0, 1, 2);
    assert_null(bench->registrar->flying);
    fake_clock_pass(&bench->fake, 8); /* nobody came */
    assert_non_null(bench->registrar->flying);
    bench_take(bench);
    /* Nor does the next batch wait, though the last had many: waiting was in vain. */
    register_many(bench, 0, 32, 3);
    bench_take(bench);
    register_many(bench, 0, 1, 4);
    assert_non_null(bench->registrar->flying);
    bench_take(bench);
    assert_int_equal(bench->kept, 66);
}

/* A few never wait, whatever the disk takes; and what waits leaves when the worker stops. */
static void few_wait_for_nobody(void **state)
{
    struct bench *bench = *state;
    bench_open(bench);
    register_many(bench, 0, 15, 1);
    bench_take(bench);
    register_many(bench, 0, 1, 2);
    assert_non_null(bench->registrar->flying);
    bench_take(bench);
    register_many(bench, 0, 32, 3);
    bench_take(bench);
    register_many(bench, 0, 1, 4);
    assert_null(bench->registrar->flying);
    registrar_stop(bench->registrar);
    assert_non_null(bench->registrar->flying);
    bench_take(bench);
    assert_int_equal(bench->kept, 15 + 1 + 32 + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_an_older_version_wrote_is_read),
        cmocka_unit_test(rows_come_out_of_values_as_they_went_in),
        cmocka_unit_test(a_row_without_room_leaves_no_trace),
        TEST(many_who_come_again_share_a_commit),
        TEST(nobody_waits_long_for_company),
        TEST(few_wait_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
