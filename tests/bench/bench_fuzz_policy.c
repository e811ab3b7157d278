/* SPDX-License-Identifier: Apache-2.0 */
/* Policies from a grammar that likes what is expensive, with hostile requests, against the release build, for as long as wanted:
 * every decision and event ends within 10 ms of thread CPU time, values made at load included; the same in a second VM at
 * the same fuel; no failure ends as 410.
 *   bench_fuzz_policy [--seconds N] [--seed N] [--only K] [--save DIR]
 * The seed is today's date unless given.  --only runs one script of that seed alone, and prints it.  What does not hold is made
 * small and printed, and written to DIR. */
#include "fuzz_case.h"
#include "util/clock.h"
#include "vm/vm_watchdog.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_MAX = 1024, GRAMMAR_MAX = 1 << 18, HANG_S = 60, SHRINK_RUNS = 1500, ENOUGH_SCRIPTS = 3000, NAMES_MAX = 64 };

struct options {
    uint64_t seconds, seed;
    long only; /* -1: all */
    const char *save;
};

struct fuzz {
    struct options options;
    struct grammar *grammar;
    struct vm_watchdog *watchdog;
    struct fuzz_tally tally;
    struct fuzz_case test;
    char text[TEXT_MAX];
    unsigned failed;
};

/* A crash or a decision that never ends says which script it was; a handler has no context of its own. */
static struct {
    volatile uint64_t seed, number;
} running;

static void on_death(int number)
{
    char line[160];
    int len = snprintf(line, sizeof(line), "bench_fuzz_policy: signal %d at --seed %llu --only %llu\n", number,
                       (unsigned long long)running.seed, (unsigned long long)running.number);
    if (write(STDERR_FILENO, line, (size_t)len) < 0)
        _exit(3);
    signal(number, SIG_DFL);
    raise(number);
}

static enum err read_grammar(struct fuzz *fuzz, struct span *out_text)
{
    static char text[GRAMMAR_MAX];
    struct fault fault = {0};
    FILE *file = fopen(SOURCE_DIR "/tests/bench/policy.grammar", "r");
    size_t len = file ? fread(text, 1, sizeof(text), file) : 0;
    if (file)
        fclose(file);
    *out_text = span_make(text, len);
    enum err err = grammar_new(*out_text, &fuzz->grammar, &fault);
    if (err != OK)
        fprintf(stderr, "bench_fuzz_policy: policy.grammar:%d: %s\n", fault.line, fault.text);
    return err;
}

static bool says(struct span text, const char *format, const char *name)
{
    char wanted[96];
    int len = snprintf(wanted, sizeof(wanted), format, name);
    return memmem(text.at, text.len, wanted, (size_t)len) != NULL;
}

/* The grammar keeps up with the language: each field and method of `req`, of a verdict and of `when` stands in it. */
static unsigned missing(struct span text)
{
    static const char *const objects[] = {"req", "req.uri", "req.from", "req.target", "req.source", "req.record"};
    const char *names[NAMES_MAX];
    unsigned count = 0;
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        for (size_t at = policy_object_names(span_of(objects[i]), names, NAMES_MAX); at-- > 0;) {
            char dotted[64];
            char called[64];
            snprintf(dotted, sizeof(dotted), "%s.%%s", objects[i]);
            snprintf(called, sizeof(called), "%s:%%s(", objects[i]);
            if (says(text, dotted, names[at]) || says(text, called, names[at]))
                continue;
            fprintf(stderr, "bench_fuzz_policy: policy.grammar: %s.%s is missing\n", objects[i], names[at]);
            count++;
        }
    }
    for (int verdict = 0; verdict < POLICY_VERDICT_COUNT; verdict++) {
        for (size_t at = policy_answer_names((enum policy_verdict)verdict, names, NAMES_MAX); at-- > 0;) {
            if (says(text, "%s = $", names[at]) || strcmp(names[at], "code") == 0)
                continue;
            fprintf(stderr, "bench_fuzz_policy: policy.grammar: a verdict's %s is missing\n", names[at]);
            count++;
        }
    }
    return count;
}

static enum fuzz_verdict run_case(struct fuzz *fuzz, struct fuzz_tally *tally)
{
    alarm(HANG_S);
    fuzz_case_write(&fuzz->test, fuzz->grammar);
    if (fuzz->options.only >= 0 && !fuzz->test.tape.fixed) { /* before it runs: it may never end */
        fuzz_case_print(&fuzz->test, stdout);
        fflush(stdout);
    }
    return fuzz_case_run(&fuzz->test, fuzz->watchdog, tally, fuzz->text, sizeof(fuzz->text));
}

/* Whether the tape in the case still shows the fault; not counted. */
static bool still(struct fuzz *fuzz, enum fuzz_verdict wanted)
{
    struct fuzz_tally ignored = {0};
    tape_again(&fuzz->test.tape);
    return run_case(fuzz, &ignored) == wanted;
}

static bool without(struct fuzz *fuzz, enum fuzz_verdict wanted, unsigned at, unsigned count)
{
    static unsigned short kept[TAPE_MAX];
    struct tape *tape = &fuzz->test.tape;
    unsigned len = tape->len;
    memcpy(kept, tape->choices, sizeof(kept));
    memmove(tape->choices + at, tape->choices + at + count, (len - at - count) * sizeof(kept[0]));
    tape->len = len - count;
    if (still(fuzz, wanted))
        return true;
    memcpy(tape->choices, kept, sizeof(kept));
    tape->len = len;
    return false;
}

static bool plainer(struct fuzz *fuzz, enum fuzz_verdict wanted, unsigned at)
{
    struct tape *tape = &fuzz->test.tape;
    unsigned short kept = tape->choices[at];
    tape->choices[at] = 0;
    if (kept == 0 || still(fuzz, wanted))
        return kept != 0;
    tape->choices[at] = kept;
    return false;
}

/* Leaves out runs of choices, ever shorter ones, then takes the plainest for each that is left. */
static void shrink(struct fuzz *fuzz, enum fuzz_verdict wanted)
{
    struct tape *tape = &fuzz->test.tape;
    unsigned runs = 0;
    for (unsigned size = tape->len / 2; size > 0; size /= 2)
        for (unsigned at = 0; at + size <= tape->len && runs < SHRINK_RUNS; runs++)
            at += without(fuzz, wanted, at, size) ? 0 : size;
    for (unsigned at = 0; at < tape->len && runs < 2 * SHRINK_RUNS; at++, runs++)
        plainer(fuzz, wanted, at);
    bool shown = still(fuzz, wanted);
    fprintf(stderr, "made small in %u runs: %u choices, %zu bytes of script%s\n", runs, tape->len,
            fuzz->test.script.len, shown ? "" : "; this time it held");
}

static void save(struct fuzz *fuzz, uint64_t number)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/fuzz-%llu-%llu.txt", fuzz->options.save, (unsigned long long)fuzz->options.seed,
             (unsigned long long)number);
    FILE *file = fopen(path, "w");
    if (!file) {
        fprintf(stderr, "bench_fuzz_policy: %s cannot be written\n", path);
        return;
    }
    fprintf(file, "%s\n", fuzz->text);
    fuzz_case_print(&fuzz->test, file);
    fclose(file);
    fprintf(stderr, "written to %s\n", path);
}

static void report(struct fuzz *fuzz, uint64_t number, enum fuzz_verdict verdict)
{
    static const char *const words[] = {"held", "late", "different", "wrong"};
    fuzz->failed++;
    fprintf(stderr, "%s at --seed %llu --only %llu: %s\n", words[verdict], (unsigned long long)fuzz->options.seed,
            (unsigned long long)number, fuzz->text);
    shrink(fuzz, verdict);
    fprintf(stderr, "%s\n", fuzz->text);
    fuzz_case_print(&fuzz->test, stderr);
    if (fuzz->options.save)
        save(fuzz, number);
}

static void run_number(struct fuzz *fuzz, uint64_t number)
{
    running.number = number;
    tape_begin(&fuzz->test.tape, fuzz->options.seed + number);
    enum fuzz_verdict verdict = run_case(fuzz, &fuzz->tally);
    if (fuzz->options.only >= 0)
        printf("---- %s\n", fuzz->text[0] ? fuzz->text : "it loads, and all held");
    if (verdict != FUZZ_HELD)
        report(fuzz, number, verdict);
}

static unsigned unused_alternatives(struct fuzz *fuzz, unsigned *out_all)
{
    struct span symbol, text;
    unsigned used;
    *out_all = grammar_alternatives(fuzz->grammar, &used);
    if (fuzz->tally.scripts >= ENOUGH_SCRIPTS && grammar_unused(fuzz->grammar, &symbol, &text))
        fprintf(stderr, "bench_fuzz_policy: never used: %.*s: %.*s\n", SPAN_ARG(symbol), SPAN_ARG(text));
    return *out_all - used;
}

static void print_tally(struct fuzz *fuzz)
{
    const struct fuzz_tally *tally = &fuzz->tally;
    unsigned all, unused = unused_alternatives(fuzz, &all);
    uint64_t verdicts = tally->by_failure[POLICY_FAILED_NOT];
    printf("{\"bench\":\"fuzz_policy\",\"seed\":%llu,\"seconds\":%llu,\"scripts\":%llu,\"refused_at_load\":%llu,"
           "\"decisions\":%llu,\"verdict_percent\":%.1f",
           (unsigned long long)fuzz->options.seed, (unsigned long long)fuzz->options.seconds,
           (unsigned long long)tally->scripts, (unsigned long long)tally->refused, (unsigned long long)tally->decisions,
           tally->decisions ? 100.0 * (double)verdicts / (double)tally->decisions : 0.0);
    for (int i = 1; i < POLICY_FAILURE_COUNT; i++)
        printf(",\"failed_%s\":%llu", policy_failure_name((enum policy_failure)i),
               (unsigned long long)tally->by_failure[i]);
    printf(",\"unparsed_requests\":%llu,\"longest_us\":%llu,\"longest_collect_us\":%llu,\"longest_load_us\":%llu,"
           "\"alternatives\":%u,\"unused\":%u,\"failed\":%u}\n",
           (unsigned long long)tally->unparsed, (unsigned long long)tally->longest_ns / 1000,
           (unsigned long long)tally->longest_collect_ns / 1000, (unsigned long long)tally->longest_load_ns / 1000, all,
           unused, fuzz->failed);
    fflush(stdout);
    fprintf(stderr, "%llu scripts, %llu decisions, the longest %llu us\n", (unsigned long long)tally->scripts,
            (unsigned long long)tally->decisions, (unsigned long long)tally->longest_ns / 1000);
}

static bool take_options(int argc, char **argv, struct options *out)
{
    static const struct option known[] = {{"seconds", required_argument, NULL, 't'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"only", required_argument, NULL, 'o'},
                                          {"save", required_argument, NULL, 'd'},
                                          {0}};
    char today[16];
    time_t now = time(NULL);
    strftime(today, sizeof(today), "%Y%m%d000000", gmtime(&now));
    *out = (struct options){.seconds = 300, .seed = strtoull(today, NULL, 10), .only = -1};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 't')
            out->seconds = strtoull(optarg, NULL, 10);
        else if (option == 's')
            out->seed = strtoull(optarg, NULL, 10);
        else if (option == 'o')
            out->only = strtol(optarg, NULL, 10);
        else if (option == 'd')
            out->save = optarg;
        else
            return false;
    }
    return optind == argc;
}

int main(int argc, char **argv)
{
    static struct fuzz fuzz;
    struct span grammar;
    if (!take_options(argc, argv, &fuzz.options)) {
        fprintf(stderr, "usage: bench_fuzz_policy [--seconds N] [--seed N] [--only K] [--save DIR]\n");
        return 2;
    }
    if (read_grammar(&fuzz, &grammar) != OK || missing(grammar) > 0 || vm_watchdog_new(&fuzz.watchdog) != OK)
        return 2;
    running.seed = fuzz.options.seed;
    for (size_t i = 0; i < 4; i++)
        signal((int[]){SIGSEGV, SIGBUS, SIGABRT, SIGALRM}[i], on_death);
    fprintf(stderr, "bench_fuzz_policy: --seed %llu\n", (unsigned long long)fuzz.options.seed);
    uint64_t end = clock_mono_ns() + fuzz.options.seconds * 1000000000u;
    if (fuzz.options.only >= 0)
        run_number(&fuzz, (uint64_t)fuzz.options.only);
    else
        for (uint64_t number = 0; clock_mono_ns() < end && fuzz.failed < 5; number++)
            run_number(&fuzz, number);
    print_tally(&fuzz);
    fuzz_case_done(&fuzz.test);
    grammar_free(fuzz.grammar);
    vm_watchdog_leave(fuzz.watchdog);
    vm_watchdog_free(fuzz.watchdog);
    return fuzz.failed > 0;
}
