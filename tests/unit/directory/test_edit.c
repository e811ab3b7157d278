/* SPDX-License-Identifier: Apache-2.0 */
/* Edits: which state allows which change, what is refused, the journal, many at the same time. */
#include "support/cmocka_all.h"
#include "support_directory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void a_new_directory_knows_nobody_and_says_so(void **state)
{
    struct place *place = *state;
    struct entry_record record;
    struct directory_info info;
    assert_int_equal(directory_status(place->directory), DIRECTORY_EMPTY);
    assert_int_equal(look(place, "alice@example.com", &record), ERR_AGAIN);
    add(place, "sip:alice@example.com");
    assert_int_equal(directory_status(place->directory), DIRECTORY_READABLE);
    assert_int_equal(look(place, "bob@example.com", &record), ERR_NOT_FOUND);
    assert_int_equal(directory_info(place->directory, &info), OK);
    assert_int_equal(info.total, 1);
    assert_int_equal(info.counts[ENTRY_ACCOUNT][ENTRY_ACTIVE], 1);
    assert_int_equal(info.journal_last, 1);
    assert_int_equal(edit(place, DIRECTORY_OP_REMOVE, "sip:alice@example.com", NULL), OK);
    assert_int_equal(directory_status(place->directory), DIRECTORY_EMPTY);
    assert_int_equal(look(place, "alice@example.com", &record), ERR_AGAIN); /* emptied: never "not found" */
}

static void the_next_turn_sees_an_edit(void **state)
{
    struct place *place = *state;
    struct entry_record record;
    add(place, "sip:alice@example.com");
    assert_int_equal(state_of(place, "alice@example.com"), ENTRY_ACTIVE);
    assert_int_equal(edit(place, DIRECTORY_OP_RETIRE, "sip:alice@example.com", NULL), OK);
    struct directory_key key = {.aor_user = SPAN("alice"), .aor_host = SPAN("Example.COM")};
    assert_int_equal(directory_lookup(place->reader, &key, &record), OK);
    assert_int_equal(record.state, ENTRY_ACTIVE); /* the same turn, the same snapshot */
    directory_reader_turn_end(place->reader);
    assert_int_equal(directory_lookup(place->reader, &key, &record), OK);
    assert_int_equal(record.state, ENTRY_GONE);
    assert_true(span_equal(record.by, SPAN("tester")));
    assert_true(record.since_ms > 1600000000000);
}

/* Brings "key" into the state. */
static void make_state(struct place *place, const char *key, enum entry_state state)
{
    struct directory_change change = {.op = DIRECTORY_OP_ADD,
                                      .key = span_of(key),
                                      .kind = ENTRY_KIND_COUNT,
                                      .state = state,
                                      .forward = state == ENTRY_MOVED ? SPAN("sip:new@example.net") : SPAN("")};
    assert_int_equal(directory_edit(place->directory, &change, NULL, NULL), OK);
}

static void every_cell_of_state_and_change(void **state)
{
    static const enum err expected[ENTRY_STATE_COUNT + 1][DIRECTORY_OP_REMOVE + 1] = {
        /*                       add         retire        move          suspend       restore       remove */
        [ENTRY_ACTIVE] = {ERR_EXISTS, OK, OK, OK, ERR_CONFLICT, OK},
        [ENTRY_SUSPENDED] = {ERR_EXISTS, OK, OK, ERR_CONFLICT, ERR_CONFLICT, OK},
        [ENTRY_MOVED] = {ERR_EXISTS, OK, OK, OK, ERR_CONFLICT, OK},
        [ENTRY_GONE] = {ERR_EXISTS, ERR_CONFLICT, OK, ERR_CONFLICT, ERR_CONFLICT, OK},
        [ENTRY_STATE_COUNT] = {OK, ERR_NOT_FOUND, ERR_NOT_FOUND, ERR_NOT_FOUND, ERR_NOT_FOUND, ERR_NOT_FOUND},
    };
    static const enum entry_state afterwards[] = {ENTRY_ACTIVE,    ENTRY_GONE,   ENTRY_MOVED,
                                                  ENTRY_SUSPENDED, ENTRY_ACTIVE, ENTRY_STATE_COUNT};
    struct place *place = *state;
    add(place, "sip:somebody@example.com");
    for (int from = 0; from <= ENTRY_STATE_COUNT; from++) {
        for (int op = 0; op <= DIRECTORY_OP_REMOVE; op++) {
            char key[64];
            snprintf(key, sizeof(key), "user-%d-%d@example.com", from, op);
            if (from < ENTRY_STATE_COUNT)
                make_state(place, key, (enum entry_state)from);
            enum err err =
                edit(place, (enum directory_op)op, key, op == DIRECTORY_OP_MOVE ? "sip:there@example.net" : NULL);
            assert_int_equal(err, expected[from][op]);
            assert_int_equal(state_of(place, key), err == OK ? afterwards[op] : (enum entry_state)from);
        }
    }
}

static void restore_undoes_the_last_change_once(void **state)
{
    struct place *place = *state;
    struct entry_record record;
    add(place, "+15550100");
    assert_int_equal(edit(place, DIRECTORY_OP_MOVE, "+15550100", "tel:+15550200"), OK);
    assert_int_equal(edit(place, DIRECTORY_OP_RETIRE, "+15550100", NULL), OK);
    assert_int_equal(look(place, "+15550100", &record), OK);
    assert_int_equal(record.forward.len, 0);
    assert_int_equal(edit(place, DIRECTORY_OP_RESTORE, "+15550100", NULL), OK);
    assert_int_equal(look(place, "+15550100", &record), OK);
    assert_int_equal(record.state, ENTRY_MOVED);
    assert_true(span_equal(record.forward, SPAN("tel:+15550200")));
    assert_int_equal(edit(place, DIRECTORY_OP_RESTORE, "+15550100", NULL), ERR_CONFLICT);
}

static void a_tombstone_is_not_given_out_before_its_time(void **state)
{
    struct place *place = *state;
    struct directory_change change = {.op = DIRECTORY_OP_RETIRE,
                                      .key = SPAN("+15550100"),
                                      .kind = ENTRY_NUMBER,
                                      .cause = 22,
                                      .reassign_after_ms = 4102444800000};
    struct fault fault;
    add(place, "+15550100");
    assert_int_equal(directory_edit(place->directory, &change, NULL, NULL), OK);
    change = (struct directory_change){.op = DIRECTORY_OP_ADD, .key = SPAN("+15550100"), .kind = ENTRY_NUMBER};
    assert_int_equal(directory_edit(place->directory, &change, NULL, &fault), ERR_EXISTS);
    assert_non_null(strstr(fault.text, "2100-01-01"));
    change.force = true;
    assert_int_equal(directory_edit(place->directory, &change, NULL, &fault), OK);
    assert_int_equal(state_of(place, "+15550100"), ENTRY_ACTIVE);
    change = (struct directory_change){
        .op = DIRECTORY_OP_RETIRE, .key = SPAN("+15550100"), .kind = ENTRY_NUMBER, .reassign_after_ms = 1000};
    assert_int_equal(directory_edit(place->directory, &change, NULL, NULL), OK);
    add(place, "+15550100"); /* its time has come */
}

static void wrong_changes_say_what_was_expected(void **state)
{
    static char long_note[ENTRY_NOTE_MAX + 1];
    memset(long_note, 'n', sizeof(long_note));
    const struct {
        struct directory_change change;
        const char *word;
    } cases[] = {
        {{.op = DIRECTORY_OP_MOVE, .key = SPAN("+1555"), .kind = ENTRY_NUMBER}, "forward"},
        {{.op = DIRECTORY_OP_MOVE, .key = SPAN("+1555"), .kind = ENTRY_NUMBER, .forward = SPAN("http://x")}, "forward"},
        {{.op = DIRECTORY_OP_MOVE, .key = SPAN("+1555"), .kind = ENTRY_NUMBER, .forward = SPAN("sip:a\r\nX: y")},
         "forward"},
        {{.op = DIRECTORY_OP_RETIRE, .key = SPAN("+1555"), .kind = ENTRY_NUMBER, .forward = SPAN("sip:a@b")},
         "forwarding"},
        {{.op = DIRECTORY_OP_RETIRE, .key = SPAN("+1555"), .kind = ENTRY_NUMBER, .cause = 128}, "Q.850"},
        {{.op = DIRECTORY_OP_SUSPEND, .key = SPAN("+1555"), .kind = ENTRY_NUMBER, .cause = 1}, "Q.850"},
        {{.op = DIRECTORY_OP_SUSPEND, .key = SPAN("+1555"), .kind = ENTRY_NUMBER, .reassign_after_ms = 1},
         "reassignment"},
        {{.op = DIRECTORY_OP_RETIRE, .key = SPAN("+1555"), .kind = ENTRY_NUMBER, .since_ms = 4102444800000}, "future"},
        {{.op = DIRECTORY_OP_RETIRE, .key = SPAN("+1555"), .kind = ENTRY_NUMBER, .by = SPAN("a\nb")}, "by"},
        {{.op = DIRECTORY_OP_RETIRE,
          .key = SPAN("+1555"),
          .kind = ENTRY_NUMBER,
          .note = {long_note, sizeof(long_note)}},
         "note"},
        {{.op = DIRECTORY_OP_RETIRE, .key = SPAN("nobody at all"), .kind = ENTRY_KIND_COUNT}, "host name"},
        {{.op = DIRECTORY_OP_IMPORT, .key = SPAN("+1555"), .kind = ENTRY_NUMBER}, "no such change"},
        {{.op = DIRECTORY_OP_RETIRE, .key = SPAN("+1555"), .kind = ENTRY_NUMBER}, "add it first"},
    };
    struct place *place = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct fault fault = {.err = OK};
        assert_int_not_equal(directory_edit(place->directory, &cases[i].change, NULL, &fault), OK);
        if (!strstr(fault.text, cases[i].word))
            fail_msg("case %zu: \"%s\" lacks \"%s\"", i, fault.text, cases[i].word);
    }
}

static void the_most_specific_entry_counts(void **state)
{
    struct place *place = *state;
    struct entry_record record;
    add(place, "+15550000-+15559999");
    add(place, "+15550100-+15550199");
    add(place, "+15550150");
    add(place, "example.com");
    add(place, "sip:alice@example.com");
    assert_int_equal(look(place, "+15550150", &record), OK);
    assert_int_equal(record.kind, ENTRY_NUMBER);
    assert_int_equal(look(place, "+15550151", &record), OK);
    assert_int_equal(record.range_from, 15550100);
    assert_int_equal(look(place, "+15550200", &record), OK);
    assert_int_equal(record.range_to, 15559999);
    assert_int_equal(look(place, "+15560000", &record), ERR_NOT_FOUND);
    assert_int_equal(look(place, "+155501500", &record), ERR_NOT_FOUND); /* other length, other number */
    assert_int_equal(look(place, "alice@example.com", &record), OK);
    assert_int_equal(record.kind, ENTRY_ACCOUNT);
    assert_int_equal(look(place, "bob@example.com", &record), OK);
    assert_int_equal(record.kind, ENTRY_DOMAIN);
    assert_int_equal(look(place, "Alice@example.com", &record), OK); /* users are case-sensitive */
    assert_int_equal(record.kind, ENTRY_DOMAIN);
    assert_int_equal(look(place, "example.org", &record), ERR_NOT_FOUND);
    directory_reader_turn_end(place->reader);
    struct directory_key digits = {.number = SPAN("15550150")};
    assert_int_equal(directory_lookup(place->reader, &digits, &record), OK);
    digits.number = SPAN("1555x");
    assert_int_equal(directory_lookup(place->reader, &digits, &record), ERR_NOT_FOUND);
}

/* Ranges against a plain list: nesting, removal, overlap. */
static void ranges_agree_with_a_plain_search(void **state)
{
    enum { RANGES = 200, SPACE = 10000 };
    struct place *place = *state;
    struct {
        uint64_t from, to;
        bool there;
    } list[RANGES];
    uint64_t random = 7;
    char key[64];
    for (int i = 0; i < RANGES; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint64_t len = 1 + (random >> 40) % (1u << (random >> 60));
        list[i].from = 10000 + (random >> 20) % (SPACE - 1);
        list[i].to = list[i].from + len < 10000 + SPACE ? list[i].from + len : 10000 + SPACE - 1;
        bool fits = true;
        for (int j = 0; j < i; j++) {
            bool apart = list[i].to < list[j].from || list[i].from > list[j].to;
            bool inside = list[i].from >= list[j].from && list[i].to <= list[j].to;
            bool around = list[i].from <= list[j].from && list[i].to >= list[j].to;
            bool same = inside && around;
            fits = fits && (!list[j].there || ((apart || inside || around) && !same));
        }
        snprintf(key, sizeof(key), "+%llu-+%llu", (unsigned long long)list[i].from, (unsigned long long)list[i].to);
        list[i].there = edit(place, DIRECTORY_OP_ADD, key, NULL) == OK;
        assert_int_equal(list[i].there, fits);
        if (i % 5 == 4 && list[i - 2].there) {
            snprintf(key, sizeof(key), "+%llu-+%llu", (unsigned long long)list[i - 2].from,
                     (unsigned long long)list[i - 2].to);
            assert_int_equal(edit(place, DIRECTORY_OP_REMOVE, key, NULL), OK);
            list[i - 2].there = false;
        }
    }
    for (uint64_t number = 10000; number < 10000 + SPACE; number++) {
        struct entry_record record;
        int best = -1;
        for (int i = 0; i < RANGES; i++) {
            bool holds = list[i].there && list[i].from <= number && number <= list[i].to;
            if (holds && (best < 0 || list[i].to - list[i].from < list[best].to - list[best].from))
                best = i;
        }
        snprintf(key, sizeof(key), "+%llu", (unsigned long long)number);
        enum err err = look(place, key, &record);
        assert_int_equal(err, best < 0 ? ERR_NOT_FOUND : OK);
        if (err == OK) {
            assert_int_equal(record.range_from, list[best].from);
            assert_int_equal(record.range_to, list[best].to);
        }
    }
    struct directory_verify_result result;
    assert_int_equal(directory_verify(place->directory, NULL, NULL, &result), OK);
}

static void ranges_have_a_depth(void **state)
{
    struct place *place = *state;
    char key[64];
    int depth = 0;
    enum err err = OK;
    for (; err == OK && depth < 100; depth++) {
        snprintf(key, sizeof(key), "+%d-+%d", 10000 + depth, 99999 - depth);
        err = edit(place, DIRECTORY_OP_ADD, key, NULL);
    }
    assert_int_equal(err, ERR_UNSUPPORTED);
    assert_in_range(depth, 60, 70);
    struct entry_record record;
    assert_int_equal(look(place, "+50000", &record), OK);
}

struct rows {
    int count;
    enum directory_op ops[16];
    uint64_t seqs[16];
    uint64_t last_seq;
};

static enum err collect_row(void *ctx, const struct directory_row *row)
{
    struct rows *rows = ctx;
    if (rows->count < 16) {
        rows->ops[rows->count] = row->op;
        rows->seqs[rows->count] = row->seq;
    }
    rows->count++;
    rows->last_seq = row->seq;
    return OK;
}

static void history_and_journal_tell_all(void **state)
{
    struct place *place = *state;
    struct entry_name name;
    struct rows rows = {.count = 0};
    uint64_t next = 0;
    assert_int_equal(entry_name_parse(SPAN("sip:alice@x"), ENTRY_KIND_COUNT, &name, NULL), OK);
    assert_int_equal(directory_history(place->directory, &name, 10, collect_row, &rows), ERR_NOT_FOUND);
    add(place, "sip:alice@x");
    add(place, "sip:bob@x");
    assert_int_equal(edit(place, DIRECTORY_OP_SUSPEND, "sip:alice@x", NULL), OK);
    assert_int_equal(edit(place, DIRECTORY_OP_RETIRE, "sip:alice@x", NULL), OK);
    assert_int_equal(directory_history(place->directory, &name, 10, collect_row, &rows), OK);
    assert_int_equal(rows.count, 3);
    assert_int_equal(rows.ops[0], DIRECTORY_OP_RETIRE);
    assert_int_equal(rows.ops[1], DIRECTORY_OP_SUSPEND);
    assert_int_equal(rows.ops[2], DIRECTORY_OP_ADD);
    assert_int_equal(edit(place, DIRECTORY_OP_REMOVE, "sip:alice@x", NULL), OK);
    rows.count = 0;
    assert_int_equal(directory_history(place->directory, &name, 2, collect_row, &rows), OK);
    assert_int_equal(rows.count, 2);
    assert_int_equal(rows.ops[0], DIRECTORY_OP_REMOVE);
    rows.count = 0;
    assert_int_equal(directory_journal_read(place->directory, 2, 3, collect_row, &rows, &next), OK);
    assert_int_equal(rows.count, 3);
    assert_int_equal(rows.seqs[0], 2);
    assert_int_equal(next, 5);
    rows.count = 0;
    assert_int_equal(directory_journal_read(place->directory, next, 100, collect_row, &rows, &next), OK);
    assert_int_equal(rows.count, 1);
    assert_int_equal(directory_journal_read(place->directory, next, 100, collect_row, &rows, &next), OK);
    assert_int_equal(next, 6);
}

static void the_journal_has_a_cap(void **state)
{
    struct place *place = *state;
    struct directory_options options = {.journal_cap = 10};
    struct rows rows = {.count = 0};
    place_close(place);
    assert_int_equal(directory_open(place->path, &options, &place->directory, NULL), OK);
    for (int i = 0; i < 25; i++) {
        char key[32];
        snprintf(key, sizeof(key), "u%d@x", i);
        assert_int_equal(edit(place, DIRECTORY_OP_ADD, key, NULL), OK);
    }
    assert_int_equal(directory_journal_read(place->directory, 5, 100, collect_row, &rows, NULL), ERR_CLOSED);
    assert_int_equal(directory_journal_read(place->directory, 16, 100, collect_row, &rows, NULL), OK);
    assert_int_equal(rows.count, 10);
    /* What it was before is no longer known. */
    assert_int_equal(edit(place, DIRECTORY_OP_RESTORE, "u3@x", NULL), ERR_CONFLICT);
}

/* Adds `count` accounts, a thousand a call. */
static void add_many(struct place *place, const char *prefix, int count)
{
    static struct directory_change changes[DIRECTORY_EDITS_MAX];
    static struct directory_edit_result results[DIRECTORY_EDITS_MAX];
    static char keys[DIRECTORY_EDITS_MAX][32];
    for (int done = 0; done < count; done += DIRECTORY_EDITS_MAX) {
        size_t failed = 1;
        for (int i = 0; i < DIRECTORY_EDITS_MAX; i++) {
            snprintf(keys[i], sizeof(keys[i]), "%.10s%d@x", prefix, done + i);
            changes[i] = (struct directory_change){.op = DIRECTORY_OP_ADD, .key = span_of(keys[i])};
        }
        assert_int_equal(directory_edit_many(place->directory, changes, DIRECTORY_EDITS_MAX, results, &failed), OK);
        assert_int_equal(failed, 0);
    }
}

struct slow {
    struct place *place;
    uint64_t count;
    int more; /* rows that come while it reads its 9,990th */
};

static enum err read_slowly(void *ctx, const struct directory_row *row)
{
    struct slow *slow = ctx;
    assert_int_equal(row->seq, slow->count + 1);
    if (++slow->count == 9990)
        add_many(slow->place, "more", slow->more);
    return OK;
}

static void a_slow_consumer_misses_nothing_or_is_told(void **state)
{
    struct place *place = *state;
    struct directory_options options = {.journal_cap = 12000};
    struct slow slow = {.place = place, .more = 1000};
    uint64_t next = 0;
    place_close(place);
    assert_int_equal(directory_open(place->path, &options, &place->directory, NULL), OK);
    add_many(place, "user", 11000);
    assert_int_equal(directory_journal_read(place->directory, 0, UINT64_MAX, read_slowly, &slow, &next), OK);
    assert_int_equal(slow.count, 12000); /* the snapshot was renewed on the way */
    assert_int_equal(next, 12001);
    slow = (struct slow){.place = place, .more = 0};
    add_many(place, "again", 1000);
    assert_int_equal(directory_journal_read(place->directory, 1, 10, read_slowly, &slow, &next), ERR_CLOSED);
    struct directory_info info;
    assert_int_equal(directory_info(place->directory, &info), OK);
    assert_int_equal(info.journal_first, 1001);
    assert_int_equal(info.journal_last, 13000);
}

struct overtaken {
    struct place *place;
    uint64_t count;
};

static enum err be_overtaken(void *ctx, const struct directory_row *row)
{
    struct overtaken *overtaken = ctx;
    (void)row;
    if (++overtaken->count == 9990)
        add_many(overtaken->place, "flood", 12000);
    return OK;
}

static void a_consumer_that_was_overtaken_is_told(void **state)
{
    struct place *place = *state;
    struct directory_options options = {.journal_cap = 11000};
    struct overtaken overtaken = {.place = place};
    place_close(place);
    assert_int_equal(directory_open(place->path, &options, &place->directory, NULL), OK);
    add_many(place, "user", 11000);
    assert_int_equal(directory_journal_read(place->directory, 0, UINT64_MAX, be_overtaken, &overtaken, NULL),
                     ERR_CLOSED);
}

static void many_changes_stand_each_for_itself(void **state)
{
    struct place *place = *state;
    struct directory_change changes[4] = {
        {.op = DIRECTORY_OP_ADD, .key = SPAN("a@x"), .kind = ENTRY_ACCOUNT},
        {.op = DIRECTORY_OP_ADD, .key = SPAN("a@x"), .kind = ENTRY_ACCOUNT},
        {.op = DIRECTORY_OP_ADD, .key = SPAN("not an account"), .kind = ENTRY_ACCOUNT},
        {.op = DIRECTORY_OP_RETIRE, .key = SPAN("a@x"), .kind = ENTRY_ACCOUNT},
    };
    struct directory_edit_result results[4];
    size_t failed = 0;
    assert_int_equal(directory_edit_many(place->directory, changes, 4, results, &failed), OK);
    assert_int_equal(failed, 2);
    assert_int_equal(results[0].err, OK);
    assert_int_equal(results[1].err, ERR_EXISTS);
    assert_int_equal(results[2].err, ERR_INVALID);
    assert_non_null(strstr(results[2].text, "sip:user@host"));
    assert_int_equal(results[3].err, OK);
    assert_int_equal(results[3].seq, 2);
    assert_int_equal(state_of(place, "a@x"), ENTRY_GONE);
    assert_int_equal(directory_edit_many(place->directory, changes, DIRECTORY_EDITS_MAX + 1, results, &failed),
                     ERR_TOO_LONG);
}

struct crowd {
    struct place *place;
    int first;
    enum err err;
};

static void *crowd_thread(void *arg)
{
    struct crowd *crowd = arg;
    for (int i = 0; crowd->err == OK && i < 10; i++) {
        char key[32];
        snprintf(key, sizeof(key), "user%d@x", crowd->first + i);
        crowd->err = edit(crowd->place, DIRECTORY_OP_ADD, key, NULL);
    }
    return NULL;
}

static void count_change(void *ctx)
{
    __atomic_fetch_add((int *)ctx, 1, __ATOMIC_RELAXED);
}

static void a_hundred_edits_at_the_same_time(void **state)
{
    enum { THREADS = 10 };
    struct place *place = *state;
    struct crowd crowds[THREADS];
    pthread_t threads[THREADS];
    struct directory_info info;
    struct rows rows = {.count = 0};
    int told = 0;
    directory_on_change(place->directory, count_change, &told);
    for (int i = 0; i < THREADS; i++) {
        crowds[i] = (struct crowd){.place = place, .first = i * 10};
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_thread, &crowds[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(crowds[i].err, OK);
    }
    place_reopen(place);
    for (int i = 0; i < 100; i++) {
        char what[32];
        snprintf(what, sizeof(what), "user%d@x", i);
        assert_int_equal(state_of(place, what), ENTRY_ACTIVE);
    }
    assert_int_equal(directory_info(place->directory, &info), OK);
    assert_int_equal(info.total, 100);
    assert_int_equal(directory_journal_read(place->directory, 1, 1000, collect_row, &rows, NULL), OK);
    assert_int_equal(rows.count, 100);
    assert_int_equal(rows.last_seq, 100);
    assert_int_equal(told, 100);
}

static void operations_have_words(void **state)
{
    (void)state;
    assert_string_equal(directory_op_text(DIRECTORY_OP_RETIRE), "retire");
    assert_string_equal(directory_op_text(DIRECTORY_OP_IMPORT_REMOVE), "import-remove");
    assert_string_equal(directory_status_text(DIRECTORY_NEVER_MADE), "never made");
}

int main(void)
{
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_have_words),
        IN_PLACE(a_new_directory_knows_nobody_and_says_so),
        IN_PLACE(the_next_turn_sees_an_edit),
        IN_PLACE(every_cell_of_state_and_change),
        IN_PLACE(restore_undoes_the_last_change_once),
        IN_PLACE(a_tombstone_is_not_given_out_before_its_time),
        IN_PLACE(wrong_changes_say_what_was_expected),
        IN_PLACE(the_most_specific_entry_counts),
        IN_PLACE(ranges_agree_with_a_plain_search),
        IN_PLACE(ranges_have_a_depth),
        IN_PLACE(history_and_journal_tell_all),
        IN_PLACE(the_journal_has_a_cap),
        IN_PLACE(a_slow_consumer_misses_nothing_or_is_told),
        IN_PLACE(a_consumer_that_was_overtaken_is_told),
        IN_PLACE(many_changes_stand_each_for_itself),
        IN_PLACE(a_hundred_edits_at_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
