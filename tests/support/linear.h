/* SPDX-License-Identifier: Apache-2.0 */
/* Costs are linear: for each thing that an adversary can repeat, twice as much of it takes at most twice the
 * instructions.  They are counted by callgrind, under which a test program runs itself once.  Include this in one file of
 * a test program, whose main() is linear_main(). */
#pragma once

#include "support/cmocka_all.h"
#include "util/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#if __has_include(<valgrind/callgrind.h>) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CAN_COUNT 1
#include <valgrind/callgrind.h>
#endif
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef CAN_COUNT
#endif
#endif

enum { LINEAR_TEXT_CAP = 1 << 18, LINEAR_BASE = 1000, LINEAR_MAX = 64 };

/* `work` is done on `head`, `unit` again and again, `tail`. */
struct linear_construct {
    const char *name;
    void (*work)(struct span text);
    const char *head, *unit, *tail;
};

static const struct linear_construct *linear_constructs;
static unsigned linear_count;

#ifdef CAN_COUNT
static char linear_text[LINEAR_TEXT_CAP];

static struct span linear_build(const struct linear_construct *construct, unsigned count)
{
    struct buffer out = buffer_over(linear_text, sizeof(linear_text));
    buffer_add_text(&out, construct->head);
    for (unsigned at = 0; at < count; at++)
        buffer_add_text(&out, construct->unit);
    buffer_add_text(&out, construct->tail);
    assert_false(out.overflow);
    return buffer_span(&out);
}

/* Inside callgrind: each construct twice, and a dump of the counters after each. */
static int linear_count_all(void)
{
    for (unsigned at = 0; at < linear_count; at++)
        for (unsigned times = 1; times <= 2; times++) {
            char name[64];
            struct span text = linear_build(&linear_constructs[at], LINEAR_BASE * times);
            linear_constructs[at].work(text); /* lazy binding is not counted */
            snprintf(name, sizeof(name), "%u/%u", at, times);
            CALLGRIND_ZERO_STATS;
            linear_constructs[at].work(text);
            CALLGRIND_DUMP_STATS_AT(name);
        }
    return 0;
}

/* Reads the dumps: "desc: Trigger: Client Request: AT/TIMES" and "totals: N". */
static void linear_read(const char *folder, unsigned long long counts[LINEAR_MAX][2])
{
    for (unsigned dump = 1; dump <= 2 * linear_count; dump++) {
        char path[256], line[512];
        int at = -1, times = 0;
        snprintf(path, sizeof(path), "%s/out.%u", folder, dump);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        while (fgets(line, sizeof(line), file)) {
            unsigned long long total;
            sscanf(line, "desc: Trigger: Client Request: %d/%d", &at, &times);
            if (at >= 0 && (sscanf(line, "totals: %llu", &total) == 1 || sscanf(line, "summary: %llu", &total) == 1))
                counts[at][times - 1] = total;
        }
        fclose(file);
        unlink(path);
    }
}

static bool linear_run(const char *folder)
{
    char self[4096], out[256];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    assert_true(len > 0);
    self[len] = '\0';
    snprintf(out, sizeof(out), "--callgrind-out-file=%s/out", folder);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(126);
        execlp("valgrind", "valgrind", "--tool=callgrind", out, self, "--count", (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return false;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return true;
}
#endif

static void twice_as_much_takes_at_most_twice_as_long(void **state)
{
    (void)state;
#ifdef CAN_COUNT
    static unsigned long long counts[LINEAR_MAX][2];
    char folder[] = "/tmp/verdict-linear-XXXXXX", path[64];
    unsigned bad = 0;
    assert_non_null(mkdtemp(folder));
    bool counted = linear_run(folder);
    if (counted)
        linear_read(folder, counts);
    snprintf(path, sizeof(path), "%s/out", folder);
    unlink(path);
    rmdir(folder);
    if (!counted) {
        print_message("valgrind is not installed: instructions are not counted\n");
        skip();
    }
    for (unsigned at = 0; at < linear_count; at++) {
        bool linear = counts[at][0] > 0 && counts[at][1] <= 2 * counts[at][0] + counts[at][0] / 100;
        print_message("%-32s %9llu %9llu%s\n", linear_constructs[at].name, counts[at][0], counts[at][1],
                      linear ? "" : "  NOT LINEAR");
        bad += !linear;
    }
    assert_int_equal(bad, 0);
#else
    for (unsigned at = 0; at < linear_count; at++)
        linear_constructs[at].work(SPAN(""));
    print_message("no callgrind here: instructions are not counted\n");
    skip();
#endif
}

static int linear_main(int argc, char **argv, const struct linear_construct *constructs, size_t count)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(twice_as_much_takes_at_most_twice_as_long)};
    if (count > LINEAR_MAX)
        return 2;
    linear_constructs = constructs;
    linear_count = (unsigned)count;
#ifdef CAN_COUNT
    if (argc > 1 && strcmp(argv[1], "--count") == 0)
        return linear_count_all();
#else
    (void)argc;
    (void)argv;
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
