/* SPDX-License-Identifier: Apache-2.0 */
/* Files in and out: CSV, JSON lines, differences, refusals, edits and readers beside an import. */
#include "support/cmocka_all.h"
#include "support_directory.h"
#include "util/buffer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char small[] =
    "kind,key,state,forward,since,cause,by,reassign_after,note\n"
    "account,sip:alice@example.com,active,,2024-01-01,,,,\n"
    "account,sip:bob@example.com,gone,,2025-02-03T04:05:06Z,22,porting,2030-01-01,\"a, \"\"b\"\"\"\n"
    "account,sip:carol@example.com,moved,sip:carol@example.net,,,,,\n"
    "account,sip:dave@example.com,suspended,,,,,,unpaid\n"
    "\n"
    "range,+15550100-+15550199,gone,,,1,,,closed office\r\n"
    ",+15550150,active,,,,,,\n"
    "domain,old.example.com,gone,,,,,,";

static void a_file_becomes_the_directory(void **state)
{
    struct place *place = *state;
    struct directory_import_result result;
    struct entry_record record;
    assert_int_equal(import_text(place, small, NULL, &result, NULL), OK);
    assert_int_equal(result.rows, 7);
    assert_int_equal(result.added, 7);
    assert_int_equal(result.before, 0);
    assert_int_equal(result.after, 7);
    assert_int_equal(result.generation, 2);
    assert_int_equal(state_of(place, "alice@example.com"), ENTRY_ACTIVE);
    assert_int_equal(look(place, "bob@example.com", &record), OK);
    assert_int_equal(record.state, ENTRY_GONE);
    assert_int_equal(record.cause, 22);
    assert_true(span_equal(record.note, SPAN("a, \"b\"")));
    assert_true(span_equal(record.by, SPAN("porting")));
    assert_int_equal(record.since_ms, 1738555506000);
    assert_int_equal(state_of(place, "carol@example.com"), ENTRY_MOVED);
    assert_int_equal(state_of(place, "dave@example.com"), ENTRY_SUSPENDED);
    assert_int_equal(state_of(place, "+15550101"), ENTRY_GONE);
    assert_int_equal(state_of(place, "+15550150"), ENTRY_ACTIVE);
    assert_int_equal(state_of(place, "old.example.com"), ENTRY_GONE);
    assert_int_equal(directory_status(place->directory), DIRECTORY_READABLE);
    place_reopen(place);
    assert_int_equal(state_of(place, "+15550101"), ENTRY_GONE);
}

static void what_goes_out_comes_in_again(void **state)
{
    struct place *place = *state;
    struct directory_import_result result;
    assert_int_equal(import_text(place, small, NULL, NULL, NULL), OK);
    for (int format = ENTRY_CSV; format <= ENTRY_JSONL; format++) {
        struct directory_import_options options = {.format = (enum entry_format)format};
        char *text = export_text(place, options.format);
        assert_int_equal(import_text(place, text, &options, &result, NULL), OK);
        assert_int_equal(result.unchanged, 7);
        assert_int_equal(result.added + result.changed + result.removed, 0);
        char *again = export_text(place, options.format);
        assert_string_equal(text, again);
        free(text);
        free(again);
    }
}

static void json_lines_are_read(void **state)
{
    struct place *place = *state;
    struct entry_record record;
    struct directory_import_options options = {.format = ENTRY_JSONL, .by = SPAN("crm")};
    assert_int_equal(import_text(place,
                                 "{\"key\":\"sip:j\\u00fcrgen@x\", \"note\" : \"\\ud83d\\ude00 \\\"q\\\"\"}\n"
                                 " { } \n",
                                 &options, NULL, NULL),
                     ERR_SYNTAX);
    assert_int_equal(
        import_text(place,
                    "{\"key\":\"sip:j\\u00fcrgen@x\", \"note\" : \"\\ud83d\\ude00 \\\"q\\\"\"}\n"
                    "{\"kind\":\"number\",\"key\":\"+15550100\",\"state\":\"gone\",\"cause\":22,\"since\":null}\r\n",
                    &options, NULL, NULL),
        OK);
    assert_int_equal(look(place, "j\xc3\xbcrgen@x", &record), OK);
    assert_true(span_equal(record.note, SPAN("\xf0\x9f\x98\x80 \"q\"")));
    assert_int_equal(look(place, "+15550100", &record), OK);
    assert_int_equal(record.cause, 22);
    assert_true(span_equal(record.by, SPAN("crm")));
}

static void bad_files_name_line_and_expectation(void **state)
{
    static const struct {
        enum entry_format format;
        const char *text;
        enum err err;
        int line;
        const char *word;
    } cases[] = {
        {ENTRY_CSV, "", ERR_SYNTAX, 1, "columns"},
        {ENTRY_CSV, "name,key\nx,y\n", ERR_SYNTAX, 1, "columns"},
        {ENTRY_CSV, "kind,state\n", ERR_SYNTAX, 1, "key among them"},
        {ENTRY_CSV, "key,key\n", ERR_SYNTAX, 1, "columns"},
        {ENTRY_CSV, "key,state\nsip:a@x\n", ERR_SYNTAX, 2, "expected 2 fields"},
        {ENTRY_CSV, "key,state\nsip:a@x,active,more\n", ERR_SYNTAX, 2, "more fields"},
        {ENTRY_CSV, "key,note\nsip:a@x,\"open\n", ERR_SYNTAX, 2, "closing quote"},
        {ENTRY_CSV, "key,note\nsip:a@x,\"a\"b\n", ERR_SYNTAX, 2, "comma"},
        {ENTRY_CSV, "key,note\nsip:a@x,a\"b\n", ERR_SYNTAX, 2, "quote"},
        {ENTRY_CSV, "key,state\n\nsip:a@x,asleep\n", ERR_INVALID, 3, "state: expected"},
        {ENTRY_CSV, "key,kind\nsip:a@x,person\n", ERR_INVALID, 2, "kind: expected"},
        {ENTRY_CSV, "key\nsip:a b@x\n", ERR_INVALID, 2, "user part"},
        {ENTRY_CSV, "key,state\nsip:a@x,moved\n", ERR_INVALID, 2, "forward: expected"},
        {ENTRY_CSV, "key,state,forward\nsip:a@x,moved,nowhere\n", ERR_INVALID, 2, "forward: expected"},
        {ENTRY_CSV, "key,state,forward\nsip:a@x,active,sip:b@x\n", ERR_INVALID, 2, "forwarding"},
        {ENTRY_CSV, "key,state,cause\nsip:a@x,gone,200\n", ERR_INVALID, 2, "cause: expected"},
        {ENTRY_CSV, "key,state,since\nsip:a@x,gone,soon\n", ERR_INVALID, 2, "since: expected"},
        {ENTRY_CSV, "key,state,since\nsip:a@x,gone,2199-01-01\n", ERR_INVALID, 2, "future"},
        {ENTRY_CSV, "key\nsip:a@x\nsip:b@x\nsip:%61@X\n", ERR_EXISTS, 4, "line 2"},
        {ENTRY_CSV, "key\n+100-+200\n+150-+250\n", ERR_INVALID, 0, "overlap"},
        {ENTRY_JSONL, "[]\n", ERR_SYNTAX, 1, "object"},
        {ENTRY_JSONL, "{\"key\":\"sip:a@x\"} x\n", ERR_SYNTAX, 1, "follows"},
        {ENTRY_JSONL, "{\"key\":\"sip:a@x\",}\n", ERR_SYNTAX, 1, "string"},
        {ENTRY_JSONL, "{\"key\":\"sip:a@x\" \"state\":\"gone\"}\n", ERR_SYNTAX, 1, "comma"},
        {ENTRY_JSONL, "{\"key\":[\"sip:a@x\"]}\n", ERR_SYNTAX, 1, "string or null"},
        {ENTRY_JSONL, "{\"key\":\"sip:a@x\",\"cause\":true}\n", ERR_SYNTAX, 1, "cause"},
        {ENTRY_JSONL, "{\"key\":\"sip:a@x\",\"key\":\"sip:b@x\"}\n", ERR_SYNTAX, 1, "twice"},
        {ENTRY_JSONL, "{\"name\":\"sip:a@x\"}\n", ERR_SYNTAX, 1, "members"},
        {ENTRY_JSONL, "{\"key\" \"sip:a@x\"}\n", ERR_SYNTAX, 1, "colon"},
        {ENTRY_JSONL, "{\"state\":\"gone\"}\n", ERR_SYNTAX, 1, "\"key\""},
        {ENTRY_JSONL, "{\"key\":\"\\ud800\"}\n", ERR_SYNTAX, 1, "surrogate"},
        {ENTRY_JSONL, "{\"key\":\"\\udc00\"}\n", ERR_SYNTAX, 1, "surrogate"},
        {ENTRY_JSONL, "{\"key\":\"\\u12g4\"}\n", ERR_SYNTAX, 1, "hexadecimal"},
        {ENTRY_JSONL, "{\"key\":\"\\x\"}\n", ERR_SYNTAX, 1, "escape"},
        {ENTRY_JSONL, "{\"key\":\"open\n", ERR_SYNTAX, 1, "closing quote"},
    };
    struct place *place = *state;
    add(place, "sip:keeper@x");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct directory_import_options options = {.format = cases[i].format, .force = true, .file = "input"};
        struct fault fault = {.err = OK};
        enum err err = import_text(place, cases[i].text, &options, NULL, &fault);
        if (err != cases[i].err || fault.line != cases[i].line || !strstr(fault.text, cases[i].word))
            fail_msg("case %zu: %s in line %d: %s", i, err_name(err), fault.line, fault.text);
        assert_int_equal(state_of(place, "keeper@x"), ENTRY_ACTIVE);
    }
}

static void a_line_has_a_cap(void **state)
{
    struct place *place = *state;
    struct fault fault;
    char *text = malloc(40000);
    memset(text, 'x', 39999);
    text[39999] = '\0';
    memcpy(text, "key\n", 4);
    assert_int_equal(import_text(place, text, NULL, NULL, &fault), ERR_TOO_LONG);
    assert_int_equal(fault.line, 2);
    free(text);
}

/* `count` accounts u000000@x...; every `gone_each`-th is gone. */
static char *many(unsigned count, unsigned gone_each)
{
    struct buffer out = buffer_heap(256 << 20);
    buffer_add_text(&out, "key,state\n");
    for (unsigned i = 0; i < count; i++)
        buffer_addf(&out, "sip:u%07llu@example.com,%s\n", (unsigned long long)i * 7919 % count,
                    gone_each && i % gone_each == 0 ? "gone" : "active");
    buffer_add_byte(&out, '\0');
    return out.at;
}

static void differences_are_counted_and_mass_losses_refused(void **state)
{
    struct place *place = *state;
    struct directory_import_result result;
    struct fault fault;
    struct directory_import_options options = {.dry_run = true};
    char *all = many(1000, 0), *some = many(900, 0), *retired = many(1000, 10);
    assert_int_equal(import_text(place, all, NULL, &result, NULL), OK);
    assert_int_equal(result.added, 1000);
    assert_int_equal(import_text(place, some, NULL, &result, &fault), ERR_DENIED);
    assert_int_equal(result.removed, 100);
    assert_non_null(strstr(fault.text, "5 %"));
    assert_int_equal(import_text(place, retired, &options, &result, &fault), ERR_DENIED);
    assert_int_equal(result.retired, 100);
    assert_int_equal(state_of(place, "u0000950@example.com"), ENTRY_ACTIVE);
    options.force = true;
    assert_int_equal(import_text(place, some, &options, &result, &fault), OK); /* still a dry run */
    assert_int_equal(result.generation, 0);
    assert_int_equal(state_of(place, "u0000950@example.com"), ENTRY_ACTIVE);
    options.dry_run = false;
    assert_int_equal(import_text(place, some, &options, &result, &fault), OK);
    assert_int_equal(result.unchanged, 900);
    assert_int_equal(state_of(place, "u0000950@example.com"), ENTRY_STATE_COUNT);
    options = (struct directory_import_options){.merge = true};
    assert_int_equal(
        import_text(place, "key,state\nsip:u0000001@example.com,gone\nsip:new@x,active\n", &options, &result, &fault),
        OK);
    assert_int_equal(result.changed, 1);
    assert_int_equal(result.retired, 1);
    assert_int_equal(result.added, 1);
    assert_int_equal(result.removed, 0);
    assert_int_equal(result.after, 901);
    assert_int_equal(state_of(place, "u0000002@example.com"), ENTRY_ACTIVE);
    assert_int_equal(state_of(place, "u0000001@example.com"), ENTRY_GONE);
    free(all);
    free(some);
    free(retired);
}

static void an_emptied_directory_is_not_a_fact(void **state)
{
    struct place *place = *state;
    struct entry_record record;
    struct directory_import_options options = {.force = true};
    add(place, "sip:alice@x");
    assert_int_equal(import_text(place, "key\n", NULL, NULL, NULL), ERR_DENIED);
    assert_int_equal(import_text(place, "key\n", &options, NULL, NULL), OK);
    assert_int_equal(directory_status(place->directory), DIRECTORY_EMPTY);
    assert_int_equal(look(place, "alice@x", &record), ERR_AGAIN);
}

static void what_a_row_leaves_open_stays(void **state)
{
    struct place *place = *state;
    struct entry_record record;
    struct directory_import_options options = {.now_ms = 1750000000000, .by = SPAN("second")};
    struct directory_import_result result;
    assert_int_equal(import_text(place, small, NULL, NULL, NULL), OK);
    /* No columns but key and state: since, cause, forward, note, by stay as long as the state does. */
    assert_int_equal(
        import_text(place,
                    "key,state\nsip:alice@example.com,gone\nsip:bob@example.com,gone\n"
                    "sip:carol@example.com,moved\nsip:dave@example.com,suspended\n"
                    "+15550100-+15550199,gone\n+15550150,active\nold.example.com,gone\n",
                    &(struct directory_import_options){.force = true, .now_ms = options.now_ms, .by = options.by},
                    &result, NULL),
        OK);
    assert_int_equal(result.changed, 1);
    assert_int_equal(result.unchanged, 6);
    assert_int_equal(look(place, "bob@example.com", &record), OK);
    assert_int_equal(record.cause, 22);
    assert_true(span_equal(record.by, SPAN("porting")));
    assert_int_equal(look(place, "alice@example.com", &record), OK);
    assert_int_equal(record.since_ms, 1750000000000);
    assert_true(span_equal(record.by, SPAN("second")));
    /* A column that is there and empty clears. */
    assert_int_equal(import_text(place, "key,state,note,cause\nsip:bob@example.com,gone,,\n",
                                 &(struct directory_import_options){.merge = true}, NULL, NULL),
                     OK);
    assert_int_equal(look(place, "bob@example.com", &record), OK);
    assert_int_equal(record.cause, 0);
    assert_int_equal(record.note.len, 0);
}

struct rows {
    unsigned counts[DIRECTORY_OP_COUNT];
    uint64_t last;
    bool grows;
};

static enum err count_row(void *ctx, const struct directory_row *row)
{
    struct rows *rows = ctx;
    rows->counts[row->op]++;
    rows->grows = rows->grows && row->seq > rows->last;
    rows->last = row->seq;
    return OK;
}

static void the_journal_tells_what_an_import_did(void **state)
{
    struct place *place = *state;
    struct rows rows = {.grows = true};
    struct entry_name name;
    struct directory_import_options options = {.force = true};
    add(place, "sip:alice@example.com");
    add(place, "sip:leaver@example.com");
    assert_int_equal(import_text(place, small, &options, NULL, NULL), OK);
    add(place, "sip:later@example.com");
    assert_int_equal(directory_journal_read(place->directory, 1, 1000, count_row, &rows, NULL), OK);
    assert_true(rows.grows);
    assert_int_equal(rows.counts[DIRECTORY_OP_ADD], 3);
    assert_int_equal(rows.counts[DIRECTORY_OP_IMPORT], 1);
    assert_int_equal(rows.counts[DIRECTORY_OP_IMPORT_REMOVE], 1);
    assert_int_equal(rows.counts[DIRECTORY_OP_IMPORT_SET],
                     6); /* alice changed (since), five added that are not active */
    rows = (struct rows){.grows = false};
    assert_int_equal(entry_name_parse(SPAN("sip:alice@example.com"), ENTRY_KIND_COUNT, &name, NULL), OK);
    assert_int_equal(directory_history(place->directory, &name, 10, count_row, &rows), OK);
    assert_int_equal(rows.counts[DIRECTORY_OP_ADD], 1);
    assert_int_equal(rows.counts[DIRECTORY_OP_IMPORT_SET], 1);
    /* A change that an import made can be undone like any other. */
    assert_int_equal(edit(place, DIRECTORY_OP_RESTORE, "sip:alice@example.com", NULL), OK);
    struct directory_verify_result verified;
    assert_int_equal(directory_verify(place->directory, NULL, NULL, &verified), OK);
}

/* Edits of two kinds at named steps of an import. */
struct meddler {
    struct place *place;
    int steps;
    enum err err;
};

static void meddle(void *ctx, const char *step)
{
    struct meddler *meddler = ctx;
    char key[32];
    if (strcmp(step, "rename") == 0 || strcmp(step, "current") == 0 || strcmp(step, "start") == 0)
        return; /* on the store's thread: an edit would wait for itself */
    if (meddler->err != OK || strcmp(step, "commit") == 0)
        return;
    snprintf(key, sizeof(key), "sip:new%d@x", meddler->steps);
    meddler->err = edit(meddler->place, DIRECTORY_OP_ADD, key, NULL);
    snprintf(key, sizeof(key), "sip:u%07d@example.com", meddler->steps++);
    if (meddler->err == OK)
        meddler->err = edit(meddler->place, DIRECTORY_OP_SUSPEND, key, NULL);
}

static void edits_beside_an_import_are_all_there(void **state)
{
    struct place *place = *state;
    struct meddler meddler = {.place = place};
    struct directory_import_options options = {.force = true, .step_fn = meddle, .step_ctx = &meddler};
    struct directory_verify_result verified;
    struct rows rows = {.grows = true};
    char key[32];
    char *all = many(1000, 0), *retired = many(1000, 2);
    assert_int_equal(import_text(place, all, NULL, NULL, NULL), OK);
    assert_int_equal(import_text(place, retired, &options, NULL, NULL), OK);
    assert_int_equal(meddler.err, OK);
    assert_true(meddler.steps >= 5);
    for (int i = 0; i < meddler.steps; i++) {
        snprintf(key, sizeof(key), "new%d@x", i);
        assert_int_equal(state_of(place, key), ENTRY_ACTIVE);
        snprintf(key, sizeof(key), "u%07d@example.com", i);
        assert_int_equal(state_of(place, key), ENTRY_SUSPENDED);
    }
    assert_int_equal(directory_journal_read(place->directory, 1, 10000, count_row, &rows, NULL), OK);
    assert_true(rows.grows);
    assert_int_equal(rows.counts[DIRECTORY_OP_SUSPEND], meddler.steps);
    assert_int_equal(directory_verify(place->directory, NULL, NULL, &verified), OK);
    free(all);
    free(retired);
}

struct crowd {
    struct place *place;
    atomic_int stop;
    int edits;
    enum err err;
};

static void *edit_all_the_time(void *arg)
{
    struct crowd *crowd = arg;
    for (; crowd->err == OK && !atomic_load(&crowd->stop) && crowd->edits < 100000; crowd->edits++) {
        char key[32];
        snprintf(key, sizeof(key), "sip:edit%d@y", crowd->edits);
        crowd->err = edit(crowd->place, DIRECTORY_OP_ADD, key, NULL);
    }
    return NULL;
}

static void imports_under_a_stream_of_edits_lose_none(void **state)
{
    struct place *place = *state;
    struct crowd crowd = {.place = place};
    struct directory_import_options options = {.merge = true};
    pthread_t thread;
    uint64_t before, after;
    char *all = many(5000, 0);
    add(place, "sip:first@x");
    assert_int_equal(pthread_create(&thread, NULL, edit_all_the_time, &crowd), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(import_text(place, all, &options, NULL, NULL), OK);
    assert_int_equal(directory_compact(place->directory, &before, &after, NULL), OK);
    atomic_store(&crowd.stop, 1);
    pthread_join(thread, NULL);
    assert_int_equal(crowd.err, OK);
    for (int i = 0; i < crowd.edits; i++) {
        char key[32];
        snprintf(key, sizeof(key), "edit%d@y", i);
        assert_int_equal(state_of(place, key), ENTRY_ACTIVE);
    }
    struct directory_info info;
    assert_int_equal(directory_info(place->directory, &info), OK);
    assert_int_equal(info.total, 5000 + 1 + (uint64_t)crowd.edits);
    struct directory_verify_result verified;
    assert_int_equal(directory_verify(place->directory, NULL, NULL, &verified), OK);
    free(all);
}

static bool old_file_is_there(const struct place *place, int number)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/directory/gen-%d/data.mdb", place->path, number);
    return access(path, F_OK) == 0;
}

static void readers_of_the_old_file_go_on_until_their_turn_ends(void **state)
{
    struct place *place = *state;
    struct directory_reader *second;
    struct entry_record record;
    struct directory_info info;
    struct directory_import_options options = {.force = true};
    struct directory_key key = {.aor_user = SPAN("leaver"), .aor_host = SPAN("example.com")};
    add(place, "sip:leaver@example.com");
    assert_int_equal(directory_reader_open(place->directory, &second), OK);
    assert_int_equal(directory_lookup(second, &key, &record), OK);
    assert_int_equal(import_text(place, small, &options, NULL, NULL), OK);
    assert_true(span_equal(record.by, SPAN("tester"))); /* its spans live */
    assert_int_equal(directory_lookup(second, &key, &record), OK);
    assert_int_equal(state_of(place, "leaver@example.com"), ENTRY_STATE_COUNT);
    assert_int_equal(directory_info(place->directory, &info), OK);
    assert_int_equal(info.old_generations, 1);
    assert_true(old_file_is_there(place, 1));
    directory_reader_turn_end(second);
    assert_int_equal(directory_lookup(second, &key, &record), ERR_NOT_FOUND);
    /* The last reader has left: the store's thread was asked to remove the old file. */
    do {
        assert_int_equal(directory_info(place->directory, &info), OK);
    } while (info.old_generations);
    directory_reader_close(second);
    place_reopen(place);
    assert_false(old_file_is_there(place, 1));
    assert_true(old_file_is_there(place, 2));
}

static bool never(void *ctx, enum directory_phase phase, uint64_t rows)
{
    int *calls = ctx;
    (void)phase;
    (void)rows;
    *calls += 1;
    return false;
}

static void an_import_can_be_cancelled(void **state)
{
    struct place *place = *state;
    int calls = 0;
    struct directory_import_options options = {.progress = never, .progress_ctx = &calls};
    char *all = many(20000, 0);
    add(place, "sip:alice@x");
    options.merge = true;
    assert_int_equal(import_text(place, all, &options, NULL, NULL), ERR_CLOSED);
    assert_int_equal(calls, 1);
    assert_int_equal(state_of(place, "alice@x"), ENTRY_ACTIVE);
    assert_int_equal(state_of(place, "u0000001@example.com"), ENTRY_STATE_COUNT);
    assert_false(old_file_is_there(place, 2));
    free(all);
}

static void try_another(void *ctx, const char *step)
{
    struct place *place = ctx;
    uint64_t before, after;
    if (strcmp(step, "compare") == 0) {
        assert_int_equal(import_text(place, small, NULL, NULL, NULL), ERR_BUSY);
        assert_int_equal(directory_compact(place->directory, &before, &after, NULL), ERR_BUSY);
    }
    if (strcmp(step, "chunk") == 0)
        assert_int_equal(directory_status(place->directory), DIRECTORY_IMPORTING);
}

static void one_import_at_a_time(void **state)
{
    struct place *place = *state;
    struct entry_record record;
    struct directory_import_options options = {.step_fn = try_another, .step_ctx = place};
    assert_int_equal(look(place, "alice@example.com", &record), ERR_AGAIN);
    assert_int_equal(import_text(place, small, &options, NULL, NULL), OK);
    assert_int_equal(directory_status(place->directory), DIRECTORY_READABLE);
}

static enum err broken_read(void *ctx, char *buffer, size_t cap, size_t *out_len)
{
    (void)ctx;
    (void)buffer;
    (void)cap;
    (void)out_len;
    return ERR_IO;
}

static void a_reader_that_fails_changes_nothing(void **state)
{
    struct place *place = *state;
    struct directory_import_result result;
    struct directory_import_options options = {.force = true};
    int fd = -1;
    char byte;
    size_t len;
    add(place, "sip:alice@x");
    assert_int_equal(directory_import(place->directory, &options, broken_read, NULL, &result, NULL), ERR_IO);
    assert_int_equal(entry_read_fd(&fd, &byte, 1, &len), ERR_IO);
    assert_int_equal(state_of(place, "alice@x"), ENTRY_ACTIVE);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MANY_LINES = 50000 }; /* the same code, a tenth of the speed */
#else
enum { MANY_LINES = 1000000 };
#endif

/* Printed for the curious; the bound is only against something going very wrong. */
static void a_million_lines_take_seconds(void **state)
{
    struct place *place = *state;
    struct directory_import_result result;
    char *all = many(MANY_LINES, 20);
    assert_int_equal(import_text(place, all, NULL, &result, NULL), OK);
    print_message("first import of %d lines: %.2f s\n", MANY_LINES, result.seconds);
    assert_true(result.seconds < 60);
    assert_int_equal(import_text(place, all, NULL, &result, NULL), OK);
    assert_int_equal(result.unchanged, MANY_LINES);
    print_message("the same file again: %.2f s\n", result.seconds);
    assert_true(result.seconds < 60);
    assert_int_equal(state_of(place, "u0049999@example.com") < ENTRY_STATE_COUNT, 1);
    free(all);
}

int main(void)
{
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        IN_PLACE(a_file_becomes_the_directory),
        IN_PLACE(what_goes_out_comes_in_again),
        IN_PLACE(json_lines_are_read),
        IN_PLACE(bad_files_name_line_and_expectation),
        IN_PLACE(a_line_has_a_cap),
        IN_PLACE(differences_are_counted_and_mass_losses_refused),
        IN_PLACE(an_emptied_directory_is_not_a_fact),
        IN_PLACE(what_a_row_leaves_open_stays),
        IN_PLACE(the_journal_tells_what_an_import_did),
        IN_PLACE(edits_beside_an_import_are_all_there),
        IN_PLACE(imports_under_a_stream_of_edits_lose_none),
        IN_PLACE(readers_of_the_old_file_go_on_until_their_turn_ends),
        IN_PLACE(an_import_can_be_cancelled),
        IN_PLACE(one_import_at_a_time),
        IN_PLACE(a_reader_that_fails_changes_nothing),
        IN_PLACE(a_million_lines_take_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
