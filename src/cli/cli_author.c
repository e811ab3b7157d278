/* SPDX-License-Identifier: Apache-2.0 */
/* verdict bench: what a policy's decisions cost.  verdict new: a policy to start from. */
#include "authoring/authoring_test.h"
#include "cli/cli_main.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct cli_option no_options[] = {CLI_END};

/* ---- bench ---- */

struct bench_values {
    uint32_t rounds;
};

static const struct cli_option bench_options[] = {{.name = "rounds",
                                                   .value = "N",
                                                   .help = "decisions a request; default: 20000",
                                                   .kind = CLI_NUMBER,
                                                   .at = offsetof(struct bench_values, rounds),
                                                   .least = 1,
                                                   .most = 100 * 1000 * 1000},
                                                  CLI_END};

static int run_bench(const struct cli_command *command, int argc, char **argv);

const struct cli_command cli_bench_command = {
    .name = "bench",
    .path = "bench",
    .arguments = "POLICY",
    .summary = "Measures a policy's decisions: time, fuel and bytes, for each request of its test.lua.",
    .details =
        "The decision alone: neither network nor parsing nor answer.  Bytes are what one decision leaves for the\n"
        "collector, whose work between decisions is in the time.",
    .options = bench_options,
    .args_min = 1,
    .args_max = 1,
    .run = run_bench,
};

struct bench {
    struct authoring_test_bench *bench;
    unsigned rounds;
};

static enum err measure(void *ctx, const struct authoring_test_case *test, struct authoring_test_got *out_got)
{
    const struct bench *self = ctx;
    struct authoring_measure measure;
    enum err err = authoring_test_measure(self->bench, test, self->rounds, &measure);
    if (err == OK)
        (void)printf("%9llu %9llu %9llu  %-11s  %s%s%s\n", (unsigned long long)measure.ns,
                     (unsigned long long)measure.fuel, (unsigned long long)measure.bytes, measure.verdict, test->name,
                     measure.failure ? ", fails: " : "", measure.failure ? policy_failure_name(measure.failure) : "");
    else
        (void)printf("%9s %9s %9s  %-11s  %s\n", "-", "-", "-", "not a request", test->name);
    *out_got = (struct authoring_test_got){.verdict = POLICY_DROP, .rule = ""};
    return OK;
}

/* A policy without tests is measured by one request. */
static enum err measure_any(struct bench *self)
{
    static const char message[] = "INVITE sip:+15550100@example.com SIP/2.0\r\n"
                                  "Via: SIP/2.0/UDP client.example;branch=z9hG4bK-1\r\n"
                                  "From: <sip:tester@client.example>;tag=t\r\nTo: <sip:+15550100@example.com>\r\n"
                                  "Call-ID: 1@bench\r\nCSeq: 1 INVITE\r\nContact: <sip:tester@192.0.2.1>\r\n"
                                  "Content-Length: 0\r\n\r\n";
    const struct authoring_test_case test = {
        .name = "INVITE sip:+15550100@example.com (there is no test.lua)",
        .message = {message, sizeof(message) - 1},
        .source = {.family = 4, .address = {192, 0, 2, 1}, .port = 5060, .transport = "udp"},
        .now_ms = 1767225600000,
    };
    struct authoring_test_got ignored;
    return measure(self, &test, &ignored);
}

static int run_bench(const struct cli_command *command, int argc, char **argv)
{
    struct bench_values values = {.rounds = 20000};
    struct cli_arguments arguments;
    struct authoring_test_summary summary;
    struct source *source = NULL;
    struct bench self = {0};
    struct fault fault = {0};
    int exit_code;
    if (!cli_options_read(command, argc, argv, &values, &arguments, &exit_code))
        return exit_code;
    self.rounds = values.rounds;
    enum err err = source_read(arguments.items[0], &source, &fault);
    if (err == OK)
        err = authoring_test_bench_new(source, false, &self.bench, &fault);
    if (err == OK) {
        (void)printf("%9s %9s %9s  %-11s  %s\n", "ns", "fuel", "bytes", "verdict", "request");
        err = source_find(source, "test.lua") ? authoring_test_run(source, measure, NULL, &self, &summary, &fault)
                                              : measure_any(&self);
    }
    if (err != OK) {
        char text[FAULT_FILE_MAX + FAULT_TEXT_MAX + 16];
        fault_format(&fault, text, sizeof(text));
        cli_error(command, "%s", text);
    }
    authoring_test_bench_free(self.bench);
    source_unref(source);
    return err == OK ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

/* ---- new ---- */

static int run_new(const struct cli_command *command, int argc, char **argv);

const struct cli_command cli_new_command = {
    .name = "new",
    .path = "new",
    .arguments = "NAME",
    .summary = "Makes a policy folder with a test that passes.",
    .details = "NAME is the folder; it must not exist yet.  Then: verdict test NAME --watch",
    .options = no_options,
    .args_min = 1,
    .args_max = 1,
    .run = run_new,
};

static const char policy_text[] =
    "-- The first rule that fits gives the verdict.  lua/README.md has every field and every verdict.\n"
    "return policy {\n"
    "  name     = \"%s\",\n"
    "  on_error = reject(500) {},   -- what a broken script answers\n"
    "  default  = not_found {},     -- when no rule fits\n"
    "  rules = {\n"
    "    { \"moved\",     when = { state = \"moved\" },     verdict = moved {} },\n"
    "    { \"retired\",   when = { state = \"gone\" },      verdict = gone {} },\n"
    "    { \"suspended\", when = { state = \"suspended\" }, verdict = unavailable {} },\n"
    "    { \"active\",    when = { state = \"active\" },    verdict = ok {} },\n"
    "  },\n"
    "}\n";

static const char test_text[] =
    "local number = { uri = \"sip:+15550100@example.com\" }\n"
    "return {\n"
    "  { \"an active number is answered\", request = number, record = { state = \"active\" },\n"
    "    expect = { verdict = \"ok\", code = 200, rule = \"active\" } },\n"
    "  { \"a retired number is gone\", request = number, record = { state = \"gone\" },\n"
    "    expect = { verdict = \"gone\", code = 410, rule = \"retired\" } },\n"
    "  { \"a moved number is redirected for good\", request = number,\n"
    "    record = { state = \"moved\", forward = \"sip:+15550199@example.com\" },\n"
    "    expect = { code = 301, rule = \"moved\" } },\n"
    "  { \"a suspended number is not gone\", request = number, record = { state = \"suspended\" },\n"
    "    expect = { code = 480, rule = \"suspended\" } },\n"
    "  { \"an unknown number is not found\", request = number,\n"
    "    expect = { code = 404, rule = \"default\" } },\n"
    "}\n";

static const char readme_text[] = "# %s\n\nAnswers by what the directory says of the number.\n\n"
                                  "    verdict test %s --watch     # while you write\n"
                                  "    verdict check %s            # likely mistakes\n";

static bool write_one(const char *folder, const char *file, const char *text)
{
    char path[4096];
    int len = snprintf(path, sizeof(path), "%s/%s", folder, file);
    if (len < 0 || (size_t)len >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    FILE *out = fopen(path, "wxe");
    bool written = out && fputs(text, out) >= 0;
    if (out && fclose(out) != 0)
        written = false;
    return written;
}

/* Lua and Markdown take the name as it is. */
static bool is_plain(const char *name)
{
    return name[0] != '\0' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(name);
}

static int run_new(const struct cli_command *command, int argc, char **argv)
{
    char no_values;
    struct cli_arguments arguments;
    char policy[sizeof(policy_text) + 64];
    char readme[sizeof(readme_text) + 3 * 64];
    int exit_code;
    if (!cli_options_read(command, argc, argv, &no_values, &arguments, &exit_code))
        return exit_code;
    const char *folder = arguments.items[0];
    const char *slash = strrchr(folder, '/');
    const char *name = slash ? slash + 1 : folder;
    if (!is_plain(name) || strlen(name) > 64) {
        cli_error(command, "%s: expected a name of at most 64 letters, digits, - and _", folder);
        return CLI_EXIT_USAGE;
    }
    (void)snprintf(policy, sizeof(policy), policy_text, name);
    (void)snprintf(readme, sizeof(readme), readme_text, name, name, name);
    if (mkdir(folder, 0777) != 0 || !write_one(folder, "policy.lua", policy) ||
        !write_one(folder, "test.lua", test_text) || !write_one(folder, "README.md", readme)) {
        cli_error(command, "%s: cannot be made: %s", folder, strerror(errno));
        return CLI_EXIT_FAILED;
    }
    (void)printf("%s: policy.lua, test.lua, README.md.  Next: verdict test %s --watch\n", folder, folder);
    return CLI_EXIT_OK;
}
