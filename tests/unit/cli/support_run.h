/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a command inside the test and catches what it prints. */
#pragma once

#include "cli/cli_main.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RUN_OUTPUT_MAX = 65536, RUN_ARGS_MAX = 32 };

struct run_output {
    int exit_code;
    char text[RUN_OUTPUT_MAX]; /* standard output and standard error */
};

/* Runs cli_main with `line` split at blanks ("_" in a word stands for a blank), standard input from `input` (NULL: empty). */
static inline void run_line(struct run_output *out, const char *line, const char *input)
{
    char copy[4096];
    char *argv[RUN_ARGS_MAX] = {copy};
    int argc = 0;
    assert_true((size_t)snprintf(copy, sizeof(copy), "verdict %s", line) < sizeof(copy));
    for (char *at = copy; at && *at && argc < RUN_ARGS_MAX - 1;) {
        argv[argc++] = at;
        at = strchr(at, ' ');
        if (at)
            *at++ = '\0';
    }
    for (int i = 1; i < argc; i++) {
        for (char *at = argv[i]; (at = strchr(at, '_'));)
            *at = ' ';
    }
    FILE *caught = tmpfile();
    FILE *given = tmpfile();
    assert_true(caught && given);
    if (input)
        assert_true(fputs(input, given) >= 0);
    rewind(given);
    (void)fflush(NULL);
    int saved[3] = {dup(0), dup(1), dup(2)};
    assert_true(dup2(fileno(given), 0) == 0 && dup2(fileno(caught), 1) == 1 && dup2(fileno(caught), 2) == 2);
    out->exit_code = cli_main(argc, argv);
    (void)fflush(NULL);
    for (int i = 0; i < 3; i++) {
        assert_true(dup2(saved[i], i) == i);
        (void)close(saved[i]);
    }
    rewind(caught);
    size_t len = fread(out->text, 1, sizeof(out->text) - 1, caught);
    out->text[len] = '\0';
    (void)fclose(caught);
    (void)fclose(given);
}

static inline void assert_says(const struct run_output *out, int exit_code, const char *part)
{
    if (out->exit_code != exit_code || !strstr(out->text, part))
        fail_msg("exit %d, expected %d and \"%s\" in: %s", out->exit_code, exit_code, part, out->text);
}
