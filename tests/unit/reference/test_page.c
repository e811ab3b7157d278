/* SPDX-License-Identifier: Apache-2.0 */
/* The pages: golden files, and what holds for every page: at most 80 columns, nothing cut, no blank at a line's end.
 * REFERENCE_GOLDEN=write in the environment writes the golden files anew. */
#include "reference/reference_page.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX = 65536 };

struct page {
    char text[PAGE_MAX];
};

static const struct reference_code *code(unsigned number)
{
    const struct reference_code *found = reference_code_find(number);
    assert_non_null(found);
    return found;
}

static void one(struct page *page, unsigned number, enum reference_language language)
{
    struct buffer out = buffer_over(page->text, PAGE_MAX - 1);
    reference_page_one(code(number), language, &out);
    assert_false(out.overflow);
    page->text[out.len] = '\0';
}

static void two(struct page *page, unsigned left, unsigned right, enum reference_language language)
{
    struct buffer out = buffer_over(page->text, PAGE_MAX - 1);
    reference_page_two(code(left), code(right), language, &out);
    assert_false(out.overflow);
    page->text[out.len] = '\0';
}

static void assert_golden(const struct page *page, const char *name)
{
    static struct page golden;
    char path[512];
    const char *mode = getenv("REFERENCE_GOLDEN");
    (void)snprintf(path, sizeof(path), "%s/tests/unit/reference/golden/%s.txt", SOURCE_DIR, name);
    if (mode && strcmp(mode, "write") == 0) {
        FILE *to = fopen(path, "w");
        assert_non_null(to);
        assert_true(fputs(page->text, to) >= 0);
        assert_int_equal(fclose(to), 0);
    }
    FILE *from = fopen(path, "r");
    assert_non_null(from);
    size_t len = fread(golden.text, 1, PAGE_MAX - 1, from);
    golden.text[len] = '\0';
    (void)fclose(from);
    assert_string_equal(page->text, golden.text);
}

static void pages_are_as_the_golden_files(void **state)
{
    (void)state;
    static struct page page;
    one(&page, 410, REFERENCE_EN);
    assert_golden(&page, "410.en");
    one(&page, 410, REFERENCE_FR);
    assert_golden(&page, "410.fr");
    one(&page, 183, REFERENCE_EN);
    assert_golden(&page, "183.en");
    two(&page, 200, 410, REFERENCE_EN);
    assert_golden(&page, "200-410.en");
    two(&page, 404, 410, REFERENCE_EN);
    assert_golden(&page, "404-410.en");
    two(&page, 480, 486, REFERENCE_FR);
    assert_golden(&page, "480-486.fr");
    two(&page, 604, 100, REFERENCE_EN);
    assert_golden(&page, "604-100.en");
    struct buffer out = buffer_over(page.text, PAGE_MAX - 1);
    reference_page_list(REFERENCE_FR, &out);
    page.text[out.len] = '\0';
    assert_golden(&page, "list.fr");
}

static void check_lines(const struct page *page)
{
    size_t columns = 0;
    for (const char *at = page->text; *at; at++) {
        if (*at == '\n') {
            assert_true(at == page->text || at[-1] != ' ');
            columns = 0;
        } else {
            columns += ((unsigned char)*at & 0xC0) != 0x80;
            if (columns > 80)
                fail_msg("a line is too wide: %.100s", at - 80);
        }
    }
}

/* A sentence stands whole on a page when all its words do, in order; the page may break it anywhere. */
static void assert_has_words(const struct page *page, const char *text)
{
    const char *from = page->text;
    char words[2048];
    assert_true(strlen(text) < sizeof(words));
    (void)snprintf(words, sizeof(words), "%s", text);
    char *rest = NULL;
    for (char *word = strtok_r(words, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
        from = strstr(from, word);
        if (!from)
            fail_msg("\"%s\" of \"%s\" is missing", word, text);
        from += strlen(word);
    }
}

static void no_page_is_too_wide_or_cut(void **state)
{
    (void)state;
    static struct page page;
    const struct reference_code *at;
    for (int language = 0; language < REFERENCE_LANGUAGE_COUNT; language++) {
        enum reference_language in = (enum reference_language)language;
        for (size_t i = 0; (at = reference_code_at(i)); i++) {
            const struct reference_text *text = reference_text_find(at->code, in);
            one(&page, at->code, in);
            check_lines(&page);
            assert_has_words(&page, text->meaning);
            assert_has_words(&page, text->server);
            if (text->depth)
                assert_has_words(&page, text->depth);
            for (size_t k = 0; k < i; k++) {
                two(&page, at->code, reference_code_at(k)->code, in);
                check_lines(&page);
                assert_has_words(&page, text->server);
            }
        }
    }
}

static void a_cause_has_its_page(void **state)
{
    (void)state;
    char text[1024];
    struct buffer out = buffer_over(text, sizeof(text) - 1);
    reference_page_cause(reference_cause_find(22), REFERENCE_EN, &out);
    text[out.len] = '\0';
    assert_string_equal(text, "Q.850 22, number changed\n  -> 410 Gone\n"
                              "  -> 301 Moved Permanently, where the diagnostic gives the new number\n");
    buffer_clear(&out);
    reference_page_cause(reference_cause_find(16), REFERENCE_EN, &out);
    text[out.len] = '\0';
    assert_string_equal(text, "Q.850 16, normal call clearing\n  -> no answer: BYE or CANCEL\n"
                              "  -> 500 Server Internal Error, where an INVITE still waits for its answer\n");
}

static void programs_get_json(void **state)
{
    (void)state;
    static struct page page;
    struct buffer out = buffer_over(page.text, PAGE_MAX - 1);
    struct json json = json_into(&out);
    reference_page_json(code(410), REFERENCE_EN, &json);
    page.text[out.len] = '\0';
    assert_non_null(strstr(page.text, "\"code\":410"));
    assert_non_null(strstr(page.text, "\"q850\":22,\"from_q850\":[22,23]"));
    assert_non_null(strstr(page.text, "\"source\":\"RFC 3261 21.4.10\""));
    buffer_clear(&out);
    json = json_into(&out);
    reference_page_json(code(100), REFERENCE_FR, &json);
    page.text[out.len] = '\0';
    assert_non_null(strstr(page.text, "\"q850\":null,\"from_q850\":[]"));
    assert_null(strstr(page.text, "\"depth\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_as_the_golden_files),
        cmocka_unit_test(no_page_is_too_wide_or_cut),
        cmocka_unit_test(a_cause_has_its_page),
        cmocka_unit_test(programs_get_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
