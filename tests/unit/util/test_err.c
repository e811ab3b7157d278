/* SPDX-License-Identifier: Apache-2.0 */
/* Errors have texts and names; faults say where; a broken invariant ends the process. */
#include "support/cmocka_all.h"
#include "util/err.h"
#include "util/invariant.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void every_error_has_a_text_and_a_name(void **state)
{
    (void)state;
    for (int err = OK; err < ERR_COUNT; err++) {
        assert_true(strlen(err_text((enum err)err)) > 0);
        assert_string_not_equal(err_name((enum err)err), "ERR_UNKNOWN");
    }
    assert_string_equal(err_name(ERR_NOMEM), "ERR_NOMEM");
    assert_string_equal(err_text((enum err)9999), "unknown error");
    assert_string_equal(err_name((enum err) - 1), "ERR_UNKNOWN");
}

static void a_fault_says_what_and_where(void **state)
{
    (void)state;
    struct fault fault = {0};
    char text[128];
    assert_int_equal(fault_set(&fault, ERR_SYNTAX, "a.lua", 3, "expected %s", "a table"), ERR_SYNTAX);
    fault_format(&fault, text, sizeof(text));
    assert_string_equal(text, "a.lua:3: expected a table");
    fault_set(&fault, ERR_IO, "a.lua", 0, "cannot read");
    fault_format(&fault, text, sizeof(text));
    assert_string_equal(text, "a.lua: cannot read");
    fault_set(&fault, ERR_IO, NULL, 0, "%s", "");
    fault_format(&fault, text, sizeof(text));
    assert_string_equal(text, "input or output failed");
}

static void a_fault_may_be_absent_cut_or_made_of_itself(void **state)
{
    (void)state;
    assert_int_equal(fault_set(NULL, ERR_IO, "f", 1, "x"), ERR_IO);
    struct fault fault = {0};
    fault_set(&fault, ERR_IO, "file", 1, "%0*d", FAULT_TEXT_MAX * 2, 7);
    assert_int_equal(strlen(fault.text), FAULT_TEXT_MAX - 1);
    fault_set(&fault, ERR_IO, "file", 1, "inner");
    fault_set(&fault, ERR_IO, fault.file, 2, "outer: %s", fault.text);
    assert_string_equal(fault.text, "outer: inner");
    assert_string_equal(fault.file, "file");
    char tiny[4];
    fault_format(&fault, tiny, sizeof(tiny));
    assert_string_equal(tiny, "fil");
}

/* Names and texts quote what others wrote, and end up on terminals. */
static void a_fault_carries_no_control_bytes(void **state)
{
    (void)state;
    struct fault fault = {0};
    fault_set(&fault, ERR_SYNTAX, "a\033[2J.csv", 1, "got \"%s\"", "\033[31m\r\n\x7f\té");
    assert_string_equal(fault.file, "a?[2J.csv");
    assert_string_equal(fault.text, "got \"?[31m????é\"");
}

static void a_broken_invariant_aborts(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        (void)signal(SIGABRT, SIG_DFL); /* not cmocka's handler */
        (void)close(STDERR_FILENO);
        invariant(1 + 1 == 2);
        invariant(1 + 1 == 3);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_text_and_a_name),
        cmocka_unit_test(a_fault_says_what_and_where),
        cmocka_unit_test(a_fault_may_be_absent_cut_or_made_of_itself),
        cmocka_unit_test(a_fault_carries_no_control_bytes),
        cmocka_unit_test(a_broken_invariant_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
