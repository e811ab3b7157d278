/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails once: an error, nothing leaked (under the address sanitizer), nothing changed, and never "not
 * found" for one who is there. */
#include "support/cmocka_all.h"
#include "support/failing_malloc.h"
#include "support_directory.h"

/* Runs `fn` with the first, second, ... allocation failing until none is left to fail.  `fn` says whether it succeeded. */
static unsigned walk(struct place *place, bool (*fn)(struct place *place))
{
    for (unsigned nth = 1; nth < 500; nth++) {
        failing_malloc_at(nth);
        bool fine = fn(place);
        if (!failing_malloc_off()) {
            assert_true(fine);
            return nth - 1;
        }
    }
    fail_msg("it never got through");
    return 0;
}

static bool open_and_close(struct place *place)
{
    struct directory *directory = NULL;
    struct fault fault = {.err = OK};
    enum err err = directory_open(place->path, NULL, &directory, &fault);
    if (err != OK) {
        assert_int_not_equal(err, ERR_NOT_FOUND);
        return false;
    }
    directory_close(directory);
    return true;
}

static bool open_leniently(struct place *place)
{
    struct directory_options options = {.lenient = true};
    struct directory *directory = NULL;
    if (directory_open(place->path, &options, &directory, NULL) != OK)
        return false;
    bool fine = directory_status(directory) == DIRECTORY_READABLE;
    assert_int_not_equal(directory_status(directory), DIRECTORY_NEVER_MADE);
    directory_close(directory);
    return fine;
}

static bool look_up(struct place *place)
{
    struct directory_reader *reader = NULL;
    struct entry_record record;
    struct directory_key key = {.aor_user = SPAN("alice"), .aor_host = SPAN("x")};
    if (directory_reader_open(place->directory, &reader) != OK)
        return false;
    enum err err = directory_lookup(reader, &key, &record);
    assert_int_not_equal(err, ERR_NOT_FOUND);
    directory_reader_close(reader);
    return err == OK;
}

static bool change(struct place *place)
{
    /* Undone by hand, so that it can be done again. */
    enum err err = edit(place, DIRECTORY_OP_SUSPEND, "sip:alice@x", NULL);
    if (err != OK) {
        assert_true(err == ERR_NOMEM);
        return false;
    }
    err = edit(place, DIRECTORY_OP_RESTORE, "sip:alice@x", NULL);
    if (err != OK)
        assert_int_equal(edit(place, DIRECTORY_OP_RESTORE, "sip:alice@x", NULL), OK);
    return err == OK;
}

static bool ranges(struct place *place)
{
    enum err err = edit(place, DIRECTORY_OP_ADD, "+100-+199", NULL);
    if (err == OK)
        err = edit(place, DIRECTORY_OP_ADD, "+120-+130", NULL);
    for (int i = 0; i < 2; i++) {
        enum err undone = edit(place, DIRECTORY_OP_REMOVE, i ? "+120-+130" : "+100-+199", NULL);
        if (undone == ERR_NOMEM) /* that was the failing one: again */
            undone = edit(place, DIRECTORY_OP_REMOVE, i ? "+120-+130" : "+100-+199", NULL);
        if (undone == ERR_NOT_FOUND)
            assert_int_not_equal(err, OK);
    }
    return err == OK;
}

static bool import_and_compact(struct place *place)
{
    uint64_t before, after;
    struct directory_import_options options = {.merge = true};
    enum err err = import_text(place, "key,state\nsip:bob@x,gone\n+100-+199,active\n", &options, NULL, NULL);
    if (err == OK)
        err = directory_compact(place->directory, &before, &after, NULL);
    return err == OK;
}

static enum err take_row(void *ctx, const struct directory_row *row)
{
    (void)ctx;
    (void)row;
    return OK;
}

static enum err take_bytes(void *ctx, struct span bytes)
{
    (void)ctx;
    (void)bytes;
    return OK;
}

static bool read_everything(struct place *place)
{
    struct directory_verify_result verified;
    struct entry_name name;
    struct directory_info info;
    uint64_t rows;
    enum err err = entry_name_parse(SPAN("sip:alice@x"), ENTRY_ACCOUNT, &name, NULL);
    if (err == OK)
        err = directory_journal_read(place->directory, 0, 100, take_row, NULL, NULL);
    if (err == OK)
        err = directory_history(place->directory, &name, 100, take_row, NULL);
    if (err == OK)
        err = directory_export(place->directory, &(struct directory_export_options){.format = ENTRY_JSONL}, take_bytes,
                               NULL, &rows);
    if (err == OK)
        err = directory_verify(place->directory, NULL, NULL, &verified);
    if (err == OK)
        err = directory_info(place->directory, &info);
    if (err != OK)
        assert_int_equal(err, ERR_NOMEM);
    return err == OK;
}

static void opening(void **state)
{
    struct place *place = *state;
    add(place, "sip:alice@x");
    place_close(place);
    assert_true(walk(place, open_and_close) >= 5);
    assert_true(walk(place, open_leniently) >= 5);
}

static void looking_up_and_changing(void **state)
{
    struct place *place = *state;
    add(place, "sip:alice@x");
    assert_true(walk(place, look_up) >= 3);
    assert_true(walk(place, change) >= 1);
    assert_true(walk(place, ranges) >= 4);
    assert_true(walk(place, read_everything) >= 8);
}

static void importing(void **state)
{
    struct place *place = *state;
    struct directory_verify_result verified;
    add(place, "sip:alice@x");
    assert_true(walk(place, import_and_compact) >= 20);
    assert_int_equal(state_of(place, "alice@x"), ENTRY_ACTIVE);
    assert_int_equal(state_of(place, "bob@x"), ENTRY_GONE);
    assert_int_equal(directory_verify(place->directory, NULL, NULL, &verified), OK);
    place_reopen(place);
    assert_int_equal(state_of(place, "bob@x"), ENTRY_GONE);
}

int main(void)
{
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        IN_PLACE(opening),
        IN_PLACE(looking_up_and_changing),
        IN_PLACE(importing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
