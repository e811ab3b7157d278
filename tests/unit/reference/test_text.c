/* SPDX-License-Identifier: Apache-2.0 */
/* The texts: each code in each language, none empty, none twice, sentences and UTF-8; labels, classes, pairs. */
#include "reference/reference_code.h"
#include "reference/reference_priv.h"
#include "reference/reference_text.h"
#include "support/cmocka_all.h"

#include <stdbool.h>
#include <string.h>

static const unsigned in_depth[] = {200, 301, 302, 404, 410, 480, 486, 503};

/* A sentence: begins large (or with a quotation mark), ends in a full stop, has no doubled or trailing blank. */
static void check_sentence(unsigned code, const char *text)
{
    size_t len = text ? strlen(text) : 0;
    if (len < 8 || len > 700)
        fail_msg("%u: \"%s\" is too short or too long", code, text ? text : "(null)");
    if (text[len - 1] != '.' || (text[0] >= 'a' && text[0] <= 'z') || strstr(text, "  ") || strchr(text, '\t'))
        fail_msg("%u: no sentence: \"%s\"", code, text);
}

static bool is_utf8(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        unsigned more = *at < 0x80 ? 0 : (*at & 0xE0) == 0xC0 ? 1 : (*at & 0xF0) == 0xE0 ? 2 : 9;
        for (unsigned i = 0; i < more; i++) {
            if (more == 9 || (*++at & 0xC0) != 0x80)
                return false;
        }
    }
    return true;
}

static void check_text(const struct reference_code *code, enum reference_language language)
{
    const struct reference_text *text = reference_text_find(code->code, language);
    if (!text)
        fail_msg("%u has no text in language %d", code->code, (int)language);
    assert_true(text->name && text->name[0]);
    const char *const sentences[] = {text->meaning, text->when, text->caller, text->server};
    for (size_t i = 0; i < 4; i++) {
        check_sentence(code->code, sentences[i]);
        assert_true(is_utf8(sentences[i]));
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(sentences[i], sentences[other]);
    }
    bool deep = false;
    for (size_t i = 0; i < sizeof(in_depth) / sizeof(in_depth[0]); i++)
        deep = deep || in_depth[i] == code->code;
    assert_int_equal(text->depth != NULL, deep);
    assert_true(!deep || (strlen(text->depth) > 300 && strchr(text->depth, '\n') && is_utf8(text->depth)));
}

static void every_code_is_explained_in_every_language(void **state)
{
    (void)state;
    const struct reference_code *code;
    for (size_t i = 0; (code = reference_code_at(i)); i++) {
        check_text(code, REFERENCE_EN);
        check_text(code, REFERENCE_FR);
        assert_string_equal(reference_text_find(code->code, REFERENCE_EN)->name, code->phrase);
    }
    assert_null(reference_text_find(411, REFERENCE_EN));
    assert_null(reference_text_find(0, REFERENCE_FR));
}

static size_t count_table(const struct reference_text *table, unsigned least, unsigned most)
{
    size_t count = 0;
    unsigned before = 0;
    for (; table->code; table++, count++) {
        assert_true(table->code > before && table->code >= least && table->code <= most);
        before = table->code;
    }
    return count;
}

static void the_tables_are_in_order_and_hold_nothing_else(void **state)
{
    (void)state;
    size_t codes = 0;
    while (reference_code_at(codes))
        codes++;
    assert_int_equal(count_table(reference_en_success, 100, 399) + count_table(reference_en_request, 400, 440) +
                         count_table(reference_en_target, 469, 499) + count_table(reference_en_failure, 500, 699),
                     codes);
    assert_int_equal(count_table(reference_fr_success, 100, 399) + count_table(reference_fr_request, 400, 440) +
                         count_table(reference_fr_target, 469, 499) + count_table(reference_fr_failure, 500, 699),
                     codes);
}

static void the_languages_differ(void **state)
{
    (void)state;
    const struct reference_code *code;
    for (size_t i = 0; (code = reference_code_at(i)); i++) {
        const struct reference_text *en = reference_text_find(code->code, REFERENCE_EN);
        const struct reference_text *fr = reference_text_find(code->code, REFERENCE_FR);
        assert_string_not_equal(en->meaning, fr->meaning);
        assert_string_not_equal(en->when, fr->when);
        assert_string_not_equal(en->caller, fr->caller);
        assert_string_not_equal(en->server, fr->server);
    }
}

static void pairs_are_in_both_languages_and_in_any_order(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct reference_pair *at = reference_en_pairs; at->low; at++, count++) {
        assert_true(at->low < at->high);
        assert_non_null(reference_code_find(at->low));
        assert_non_null(reference_code_find(at->high));
        const char *french = reference_text_pair(at->high, at->low, REFERENCE_FR);
        assert_non_null(french);
        check_sentence(at->low, at->text);
        check_sentence(at->low, french);
        assert_true(is_utf8(french));
        assert_ptr_equal(reference_text_pair(at->low, at->high, REFERENCE_EN), at->text);
    }
    for (const struct reference_pair *at = reference_fr_pairs; at->low; at++)
        count--;
    assert_int_equal(count, 0);
    assert_null(reference_text_pair(100, 608, REFERENCE_EN));
    assert_null(reference_text_pair(410, 410, REFERENCE_EN));
}

static void labels_and_classes_have_words(void **state)
{
    (void)state;
    for (int language = 0; language < REFERENCE_LANGUAGE_COUNT; language++) {
        enum reference_language in = (enum reference_language)language;
        for (int label = 0; label < REFERENCE_LABEL_COUNT; label++)
            assert_true(reference_text_label((enum reference_label)label, in)[0]);
        for (unsigned class = 1; class <= 6; class ++) {
            assert_int_equal(reference_text_class(class, in)[0], '0' + (int)class);
            assert_true(reference_text_forking(class, in)[0]);
        }
        assert_string_equal(reference_text_class(0, in), "");
        assert_string_equal(reference_text_class(7, in), "");
        assert_string_equal(reference_text_forking(7, in), "");
        for (unsigned i = 0; i < REFERENCE_ABOUT_COUNT; i++)
            assert_true(reference_text_about(i, in)[0]);
        for (unsigned i = 0; i < REFERENCE_LASTING_COUNT; i++)
            assert_true(reference_text_lasting(i, in)[0]);
        for (unsigned i = 0; i < REFERENCE_NEXT_COUNT; i++)
            assert_true(reference_text_next(i, in)[0]);
        assert_string_equal(reference_text_next(REFERENCE_NEXT_COUNT, in), "");
    }
    assert_string_equal(reference_text_class(4, REFERENCE_EN), "4xx, request failure");
    assert_string_equal(reference_text_class(6, REFERENCE_FR), "6xx, échec global");
}

static void a_locale_names_a_language(void **state)
{
    (void)state;
    assert_int_equal(reference_text_language("fr"), REFERENCE_FR);
    assert_int_equal(reference_text_language("fr_CA.UTF-8"), REFERENCE_FR);
    assert_int_equal(reference_text_language("FR"), REFERENCE_FR);
    assert_int_equal(reference_text_language("en_GB.UTF-8"), REFERENCE_EN);
    assert_int_equal(reference_text_language("C"), REFERENCE_EN);
    assert_int_equal(reference_text_language("fy_NL"), REFERENCE_EN);
    assert_int_equal(reference_text_language("frr_DE"), REFERENCE_EN);
    assert_int_equal(reference_text_language("f"), REFERENCE_EN);
    assert_int_equal(reference_text_language(NULL), REFERENCE_EN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_is_explained_in_every_language),
        cmocka_unit_test(the_tables_are_in_order_and_hold_nothing_else),
        cmocka_unit_test(the_languages_differ),
        cmocka_unit_test(pairs_are_in_both_languages_and_in_any_order),
        cmocka_unit_test(labels_and_classes_have_words),
        cmocka_unit_test(a_locale_names_a_language),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
