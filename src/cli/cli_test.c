/* SPDX-License-Identifier: Apache-2.0 */
/* verdict test: runs a policy's own test.lua without a network; verdict check: what is wrong with it, or likely to be,
 * without running it. */
#include "cli/cli_main.h"
#include "offline/offline_check.h"
#include "release/release_watch.h"
#include "util/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct values {
    const char *junit;
    uint32_t min;
    bool coverage;
    bool watch;
};

static const struct cli_option options[] = {
    {.name = "watch",
     .help = "Run again after each change of the policy's files, until interrupted.",
     .kind = CLI_FLAG,
     .at = offsetof(struct values, watch)},
    {.name = "coverage",
     .help = "Say which lines, rules and branches of `when` no test reached.",
     .kind = CLI_FLAG,
     .at = offsetof(struct values, coverage)},
    {.name = "min",
     .value = "PERCENT",
     .help = "Fail when less is covered.",
     .kind = CLI_NUMBER,
     .at = offsetof(struct values, min),
     .most = 100},
    {.name = "junit",
     .value = "FILE",
     .help = "Write the results as JUnit's XML, too.",
     .kind = CLI_TEXT,
     .at = offsetof(struct values, junit)},
    CLI_END};

static int run(const struct cli_command *command, int argc, char **argv);

const struct cli_command cli_test_command = {
    .name = "test",
    .path = "test",
    .arguments = "POLICY",
    .summary = "Runs a policy's own test.lua, with the engine's dispatch and guard but without a network.",
    .details = "Exit code 1 when a test fails, there is none, or less is covered than --min asks for.",
    .options = options,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};

static bool write_file(const struct cli_command *command, const char *path, struct span bytes)
{
    FILE *file = fopen(path, "we");
    bool written = file && fwrite(bytes.at ? bytes.at : "", 1, bytes.len, file) == bytes.len;
    if (file && fclose(file) != 0)
        written = false;
    if (!written)
        cli_error(command, "%s: cannot be written: %s", path, strerror(errno));
    return written;
}

static int run_once(const struct cli_command *command, const char *path, const struct values *values)
{
    struct buffer out = buffer_heap(4 << 20);
    struct buffer junit = buffer_heap(16 << 20);
    struct offline_test_result result;
    const struct offline_test_ask ask = {
        .path = path, .out = &out, .junit = values->junit ? &junit : NULL, .coverage = values->coverage};
    enum err err = offline_test_policy(&ask, &result);
    bool fine = err == OK;
    cli_write(buffer_span(&out));
    if (err != OK && out.len == 0)
        cli_error(command, "%s: %s", path,
                  err == ERR_NOT_FOUND ? "there is no test.lua beside the policy" : err_text(err));
    else
        (void)printf("%s: %u passed, %u failed\n", path, result.passed, result.failed);
    if (values->junit && (err == OK || err == ERR_CONFLICT))
        fine = write_file(command, values->junit, buffer_span(&junit)) && fine;
    if (fine && values->coverage && result.covered < values->min) {
        cli_error(command, "%s: %u%% is covered, %u%% is asked for", path, result.covered, values->min);
        fine = false;
    }
    (void)fflush(stdout);
    buffer_done(&out);
    buffer_done(&junit);
    return fine ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

/* The same care with half-saved files as the daemon's watch; by asking, since nothing else waits here. */
static int run_watching(const struct cli_command *command, const char *path, const struct values *values)
{
    enum { LOOK_MS = 100 };
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000};
    struct release_watch watch;
    release_watch_init(&watch, release_fingerprint(path), clock_mono_ns() / 1000000);
    int exit_code = run_once(command, path, values);
    while (nanosleep(&pause, NULL) == 0) {
        uint64_t now_ms = clock_mono_ns() / 1000000;
        uint64_t print = release_fingerprint(path);
        if (print != watch.seen && !watch.restless)
            release_watch_touched(&watch, now_ms);
        if (!release_watch_look(&watch, print, now_ms))
            continue;
        (void)printf("\n");
        exit_code = run_once(command, path, values);
        (void)release_watch_loaded(&watch, print, now_ms);
    }
    return exit_code;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct values values = {0};
    struct cli_arguments arguments;
    int exit_code;
    if (!cli_options_read(command, argc, argv, &values, &arguments, &exit_code))
        return exit_code;
    values.coverage = values.coverage || values.min > 0;
    return values.watch ? run_watching(command, arguments.items[0], &values)
                        : run_once(command, arguments.items[0], &values);
}

/* ---- check ---- */

static const struct cli_option check_options[] = {CLI_END};

static int run_check(const struct cli_command *command, int argc, char **argv);

const struct cli_command cli_check_command = {
    .name = "check",
    .path = "check",
    .arguments = "POLICY",
    .summary = "Finds errors and likely mistakes in a policy (a folder or a .lua file) without running it.",
    .details = "Exit code 1 when there is an error; warnings alone are 0.",
    .options = check_options,
    .args_min = 1,
    .args_max = 1,
    .run = run_check,
};

static int run_check(const struct cli_command *command, int argc, char **argv)
{
    char no_values;
    struct cli_arguments arguments;
    int exit_code;
    if (!cli_options_read(command, argc, argv, &no_values, &arguments, &exit_code))
        return exit_code;
    struct buffer out = buffer_heap(1 << 20);
    unsigned errors = 0;
    unsigned warnings = 0;
    enum err err = offline_check_policy(arguments.items[0], &out, &errors, &warnings);
    cli_write(buffer_span(&out));
    bool said_nothing = out.len == 0;
    buffer_done(&out);
    if (err != OK && said_nothing) {
        cli_error(command, "%s: %s", arguments.items[0], err_text(err));
        return CLI_EXIT_FAILED;
    }
    (void)printf("%s: %u error%s, %u warning%s\n", arguments.items[0], errors, errors == 1 ? "" : "s", warnings,
                 warnings == 1 ? "" : "s");
    return err == OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}
