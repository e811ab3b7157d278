/* SPDX-License-Identifier: Apache-2.0 */
/* Suggestions for mistyped words. */
#include "support/cmocka_all.h"
#include "util/suggest.h"

#include <string.h>

static const char *nearest(const char *word)
{
    static const char *const commands[] = {"run", "probe", "reload", "rollback", "versions", "status", "directory"};
    struct suggestion suggestion = suggest_for(word);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        suggest_consider(&suggestion, commands[i]);
    return suggestion.best;
}

static void distances(void **state)
{
    (void)state;
    assert_int_equal(suggest_distance("reload", "reload"), 0);
    assert_int_equal(suggest_distance("Reload", "reLOAD"), 0);
    assert_int_equal(suggest_distance("relaod", "reload"), 1);
    assert_int_equal(suggest_distance("reloa", "reload"), 1);
    assert_int_equal(suggest_distance("rreload", "reload"), 1);
    assert_int_equal(suggest_distance("kitten", "sitting"), 3);
    assert_int_equal(suggest_distance("", "abc"), 3);
    assert_int_equal(suggest_distance("abc", ""), 3);
    char longest[SUGGEST_WORD_MAX + 2];
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(suggest_distance("a", longest), SUGGEST_WORD_MAX);
    longest[sizeof(longest) - 2] = '\0';
    assert_int_equal(suggest_distance(longest, longest), 0);
}

static void near_words_are_found_and_others_not(void **state)
{
    (void)state;
    assert_string_equal(nearest("relaod"), "reload");
    assert_string_equal(nearest("statsu"), "status");
    assert_string_equal(nearest("version"), "versions");
    assert_string_equal(nearest("rnu"), "run");
    assert_string_equal(nearest("dir"), "directory");
    assert_string_equal(nearest("DIRECTORY"), "directory");
    assert_null(nearest("xyzzy"));
    assert_null(nearest(""));
    assert_null(nearest("q"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances),
        cmocka_unit_test(near_words_are_found_and_others_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
