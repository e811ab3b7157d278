/* SPDX-License-Identifier: Apache-2.0 */
/* HA1s: where they stay, where they go, and where they are never seen. */
#include "directory/directory_journal.h"
#include "support/cmocka_all.h"
#include "support_directory.h"

#include <stdio.h>
#include <stdlib.h>

#define MD5    "0123456789abcdef"
#define SHA    "0123456789ABCDEF0123456789ABCDEF"
#define SHA512 "fedcba9876543210fedcba9876543210"

static enum err passwd(struct place *place, const char *key, const char *md5, const char *sha256, const char *sha512)
{
    const struct directory_change change = {
        .op = DIRECTORY_OP_PASSWD,
        .key = span_of(key),
        .kind = ENTRY_KIND_COUNT,
        .by = SPAN("test"),
        .ha1 = {[DIGEST_MD5] = span_of(md5), [DIGEST_SHA256] = span_of(sha256), [DIGEST_SHA512_256] = span_of(sha512)},
    };
    return directory_edit(place->directory, &change, NULL, NULL);
}

static void assert_ha1s(struct place *place, const char *md5, const char *sha256, const char *sha512)
{
    struct entry_record record;
    assert_int_equal(look(place, "alice@example.com", &record), OK);
    assert_true(span_equal(record.ha1[DIGEST_MD5], span_of(md5)));
    assert_true(span_equal(record.ha1[DIGEST_SHA256], span_of(sha256)));
    assert_true(span_equal(record.ha1[DIGEST_SHA512_256], span_of(sha512)));
    assert_int_equal(entry_record_has_password(&record), md5[0] || sha256[0] || sha512[0]);
}

static const char alice[] = "sip:alice@example.com";

static void a_password_goes_with_the_user_through_every_state(void **state)
{
    struct place *place = *state;
    add(place, alice);
    assert_ha1s(place, "", "", "");
    assert_int_equal(passwd(place, alice, MD5, SHA, SHA512), OK);
    assert_ha1s(place, MD5, SHA, SHA512);
    assert_int_equal(edit(place, DIRECTORY_OP_SUSPEND, alice, NULL), OK);
    assert_int_equal(edit(place, DIRECTORY_OP_MOVE, alice, "sip:a@elsewhere.example"), OK);
    assert_int_equal(edit(place, DIRECTORY_OP_RETIRE, alice, NULL), OK);
    assert_int_equal(state_of(place, "alice@example.com"), ENTRY_GONE);
    assert_ha1s(place, MD5, SHA, SHA512); /* the retired phone can still say who it is */
    assert_int_equal(passwd(place, alice, MD5, "", SHA512), OK);
    assert_int_equal(state_of(place, "alice@example.com"), ENTRY_GONE);
    assert_int_equal(edit(place, DIRECTORY_OP_RESTORE, alice, NULL), OK); /* the state, not the password in between */
    assert_int_equal(state_of(place, "alice@example.com"), ENTRY_MOVED);
    assert_ha1s(place, MD5, "", SHA512);
    place_reopen(place);
    assert_ha1s(place, MD5, "", SHA512);
    assert_int_equal(passwd(place, alice, "", "", ""), OK);
    assert_ha1s(place, "", "", "");
}

static void who_gets_an_address_anew_gets_no_password_with_it(void **state)
{
    struct place *place = *state;
    const struct directory_change again = {
        .op = DIRECTORY_OP_ADD, .key = span_of(alice), .kind = ENTRY_KIND_COUNT, .force = true};
    add(place, alice);
    assert_int_equal(passwd(place, alice, MD5, SHA, SHA512), OK);
    assert_int_equal(edit(place, DIRECTORY_OP_RETIRE, alice, NULL), OK);
    assert_int_equal(directory_edit(place->directory, &again, NULL, NULL), OK);
    assert_ha1s(place, "", "", "");
    assert_int_equal(passwd(place, alice, MD5, SHA, SHA512), OK);
    assert_int_equal(edit(place, DIRECTORY_OP_RETIRE, alice, NULL), OK);
    assert_int_equal(import_text(place, "key,state\nsip:alice@example.com,active\n", NULL, NULL, NULL), OK);
    assert_ha1s(place, "", "", "");
}

static void only_an_account_that_exists_has_a_password(void **state)
{
    struct place *place = *state;
    add(place, "+15550100");
    add(place, "example.com");
    assert_int_equal(passwd(place, "+15550100", MD5, SHA, SHA512), ERR_INVALID);
    assert_int_equal(passwd(place, "example.com", MD5, SHA, SHA512), ERR_INVALID);
    assert_int_equal(passwd(place, alice, MD5, SHA, SHA512), ERR_NOT_FOUND);
    add(place, alice);
    assert_int_equal(passwd(place, alice, "short", SHA, SHA512), ERR_INVALID);
    assert_ha1s(place, "", "", "");
}

static enum err no_secrets(void *ctx, const struct directory_row *row)
{
    unsigned *rows = ctx;
    char text[4096];
    struct buffer out = buffer_over(text, sizeof(text) - 1);
    struct json json = json_into(&out);
    directory_row_json(row, &json);
    text[out.len] = '\0';
    assert_false(out.overflow);
    assert_null(strstr(text, "3031323334")); /* hexadecimal of both */
    assert_null(strstr(text, "ha1"));
    assert_false(entry_record_has_password(&row->before) && row->had_before);
    assert_false(entry_record_has_password(&row->after) && row->has_after);
    *rows += 1;
    return OK;
}

/* Once in the record, and nowhere else in the file. */
static void the_journal_keeps_no_password(void **state)
{
    struct place *place = *state;
    struct entry_name name;
    unsigned rows = 0;
    add(place, alice);
    assert_int_equal(passwd(place, alice, MD5, SHA, SHA512), OK);
    assert_int_equal(edit(place, DIRECTORY_OP_RETIRE, alice, NULL), OK);
    assert_int_equal(edit(place, DIRECTORY_OP_RESTORE, alice, NULL), OK);
    assert_int_equal(directory_journal_read(place->directory, 0, 100, no_secrets, &rows, NULL), OK);
    assert_int_equal(entry_name_parse(span_of(alice), ENTRY_KIND_COUNT, &name, NULL), OK);
    assert_int_equal(directory_history(place->directory, &name, 100, no_secrets, &rows), OK);
    assert_int_equal(rows, 8);
    assert_ha1s(place, MD5, SHA, SHA512);
}

static void files_have_passwords_only_when_asked(void **state)
{
    struct place *place = *state;
    static const char file[] = "key,ha1_md5,ha1_sha256\n"
                               "sip:alice@example.com,30313233343536373839616263646566,"
                               "3031323334353637383941424344454630313233343536373839414243444546\n"
                               "sip:bob@example.com,,\n";
    assert_int_equal(import_text(place, file, NULL, NULL, NULL), OK);
    assert_ha1s(place, MD5, SHA, "");
    /* A file without the columns leaves them, with an empty one clears. */
    assert_int_equal(import_text(place, "key,note\nsip:alice@example.com,x\nsip:bob@example.com,\n", NULL, NULL, NULL),
                     OK);
    assert_ha1s(place, MD5, SHA, "");
    char *all = export_text(place, ENTRY_JSONL);
    assert_non_null(strstr(all, "\"ha1_md5\":\"30313233343536373839616263646566\""));
    free(all);
    assert_int_equal(import_text(place, "key,ha1_md5\nalice@example.com,\nbob@example.com,\n", NULL, NULL, NULL), OK);
    assert_ha1s(place, "", SHA, "");
    struct fault fault = {.err = OK};
    assert_int_equal(import_text(place, "key,ha1_md5\nalice@example.com,30\n", NULL, NULL, &fault), ERR_INVALID);
    assert_non_null(strstr(fault.text, "ha1_md5: expected 32 hexadecimal digits"));
    assert_int_equal(fault.line, 2);
    assert_int_equal(
        import_text(place, "key,ha1_md5\n+15550100,30313233343536373839616263646566\n", NULL, NULL, &fault),
        ERR_INVALID);
    assert_ha1s(place, "", SHA, "");
}

static enum err count_ha1(void *ctx, struct span bytes)
{
    bool *found = ctx;
    *found = *found || memmem(bytes.at, bytes.len, "ha1", 3) || memmem(bytes.at, bytes.len, "3031", 4);
    return OK;
}

static void an_export_leaves_them_out(void **state)
{
    struct place *place = *state;
    add(place, alice);
    assert_int_equal(passwd(place, alice, MD5, SHA, SHA512), OK);
    for (int i = 0; i < 4; i++) {
        const struct directory_export_options options = {.format = i & 1 ? ENTRY_JSONL : ENTRY_CSV, .passwords = i & 2};
        bool found = false;
        assert_int_equal(directory_export(place->directory, &options, count_ha1, &found, NULL), OK);
        assert_int_equal(found, options.passwords);
    }
}

static void set_meanwhile(void *ctx, const char *step)
{
    struct place *place = ctx;
    if (strcmp(step, "journal") == 0) {
        assert_int_equal(edit(place, DIRECTORY_OP_SUSPEND, "sip:bob@example.com", NULL), OK);
        assert_int_equal(passwd(place, alice, MD5, SHA, SHA512), OK);
    }
}

/* The journal does not tell them, so a replay takes them from the entry. */
static void passwords_set_during_an_import_are_not_lost(void **state)
{
    struct place *place = *state;
    struct entry_record record;
    struct directory_import_options options = {.step_fn = set_meanwhile, .step_ctx = place};
    add(place, alice);
    add(place, "sip:bob@example.com");
    assert_int_equal(passwd(place, "sip:bob@example.com", MD5, "", ""), OK);
    assert_int_equal(import_text(place, "key\nsip:alice@example.com\nsip:bob@example.com\n", &options, NULL, NULL), OK);
    assert_ha1s(place, MD5, SHA, SHA512);
    assert_int_equal(look(place, "bob@example.com", &record), OK);
    assert_int_equal(record.state, ENTRY_SUSPENDED);
    assert_true(span_equal(record.ha1[DIGEST_MD5], SPAN(MD5)));
    assert_int_equal(directory_compact(place->directory, &(uint64_t){0}, &(uint64_t){0}, NULL), OK);
    assert_ha1s(place, MD5, SHA, SHA512);
}

int main(void)
{
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        IN_PLACE(a_password_goes_with_the_user_through_every_state),
        IN_PLACE(who_gets_an_address_anew_gets_no_password_with_it),
        IN_PLACE(only_an_account_that_exists_has_a_password),
        IN_PLACE(the_journal_keeps_no_password),
        IN_PLACE(files_have_passwords_only_when_asked),
        IN_PLACE(an_export_leaves_them_out),
        IN_PLACE(passwords_set_during_an_import_are_not_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
