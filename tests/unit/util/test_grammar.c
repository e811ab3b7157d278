/* SPDX-License-Identifier: Apache-2.0 */
/* Texts from a grammar: repeatable, plainer with a plainer tape, and a grammar that is wrong is refused with its line. */
#include "support/grammar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char GRAMMAR[] = "# A remark.\n"
                              "text:\n"
                              "    end\n"
                              "    9| $[4142] $3*letter costs 5$ $\n"
                              "        and more; $text\n"
                              "letter:\n"
                              "    a\n"
                              "    b\n";

static const struct grammar_limits limits = {.depth = 6, .len = 4096};

static struct grammar *made(void)
{
    struct grammar *grammar = NULL;
    struct fault fault = {0};
    if (grammar_new(SPAN(GRAMMAR), &grammar, &fault) != OK)
        fail_msg("%d: %s", fault.line, fault.text);
    return grammar;
}

static void assert_text(struct grammar *grammar, struct tape *tape, const char *wanted)
{
    char bytes[4096];
    struct buffer out = buffer_over(bytes, sizeof(bytes) - 1);
    grammar_expand(grammar, "text", limits, tape, &out);
    bytes[out.len] = '\0';
    assert_string_equal(bytes, wanted);
}

static void a_tape_tells_all(void **state)
{
    (void)state;
    static struct tape tape = {.fixed = true, .choices = {1, 1, 9, 0}, .len = 4};
    struct grammar *grammar = made();
    assert_text(grammar, &tape, "AB bbb costs 5$ $\nand more; AB aaa costs 5$ $\nand more; end");
    tape.len = 1;
    tape_again(&tape);
    assert_text(grammar, &tape, "AB aaa costs 5$ $\nand more; end");
    unsigned used;
    assert_int_equal(grammar_alternatives(grammar, &used), 4);
    assert_int_equal(used, 4);
    grammar_free(grammar);
}

static void what_was_drawn_comes_again(void **state)
{
    (void)state;
    static struct tape tape;
    struct grammar *grammar = made();
    for (uint64_t seed = 0; seed < 100; seed++) {
        char first[4096];
        struct buffer out = buffer_over(first, sizeof(first) - 1);
        tape_begin(&tape, seed);
        grammar_expand(grammar, "text", limits, &tape, &out);
        first[out.len] = '\0';
        tape_again(&tape);
        assert_text(grammar, &tape, first);
    }
    grammar_free(grammar);
}

static void wrong_grammars(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
        const char *says;
    } rows[] = {
        {"    a\n", 1, "of no symbol"},
        {"a:\n    b\na:\n    c\n", 3, "was there before"},
        {"a:\n        b\n", 2, "goes on with nothing"},
        {"a:\n    $b\n", 0, "\"b\" has no alternative"},
        {"a:\n    x$a\n", 0, "\"a\" never ends"},
        {"oops\n", 1, "expected"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct grammar *grammar = NULL;
        struct fault fault = {0};
        assert_int_equal(grammar_new(span_of(rows[i].text), &grammar, &fault), ERR_SYNTAX);
        assert_int_equal(fault.line, rows[i].line);
        assert_non_null(strstr(fault.text, rows[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tape_tells_all),
        cmocka_unit_test(what_was_drawn_comes_again),
        cmocka_unit_test(wrong_grammars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
