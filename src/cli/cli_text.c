/* SPDX-License-Identifier: Apache-2.0 */
/* Reports, tables and trees in plain text. */
#include "cli/cli_text.h"
#include "entry/entry_record.h"
#include "entry/entry_time.h"
#include "util/span.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_SHOWN = 8 };

const char *cli_text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* C0 but the lines' own where they may stay, DEL, and C1, which some terminals obey too. */
static bool is_control(const unsigned char *at, size_t left, bool keeps_lines)
{
    if (*at < 0x20)
        return !keeps_lines || (*at != '\n' && *at != '\r' && *at != '\t');
    return *at == 0x7f || (*at == 0xc2 && left > 1 && at[1] >= 0x80 && at[1] < 0xa0);
}

static void clean_string(json_t *string, bool keeps_lines)
{
    size_t len = json_string_length(string);
    char *text = span_dup(span_make(json_string_value(string), len));
    bool changed = false;
    for (size_t i = 0; text && i < len; i++) {
        const unsigned char *at = (const unsigned char *)text + i;
        if (!is_control(at, len - i, keeps_lines))
            continue;
        if (*at == 0xc2)
            text[i++] = ' ';
        text[i] = ' ';
        changed = true;
    }
    if (!text || (changed && json_string_setn_nocheck(string, text, len) != 0))
        (void)json_string_set_nocheck(string, ""); /* out of memory: rather nothing than what it may do */
    free(text);
}

static void clean(json_t *json, bool keeps_lines)
{
    const char *key;
    json_t *member;
    size_t index;
    if (json_is_string(json))
        clean_string(json, keeps_lines);
    json_object_foreach(json, key, member) clean(member, strcmp(key, "text") == 0);
    json_array_foreach(json, index, member) clean(member, keeps_lines);
}

void cli_text_clean(json_t *json)
{
    clean(json, false);
}

static void print_scalar(const json_t *value, FILE *to)
{
    if (json_is_string(value))
        (void)fputs(json_string_value(value), to);
    else if (json_is_integer(value))
        (void)fprintf(to, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        (void)fprintf(to, "%g", json_real_value(value));
    else if (json_is_boolean(value))
        (void)fputs(json_is_true(value) ? "yes" : "no", to);
    else
        (void)fputs("-", to);
}

static bool is_scalar(const json_t *value)
{
    return !json_is_object(value) && !json_is_array(value);
}

static bool is_flat(const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (!is_scalar(json_array_get(array, i)))
            return false;
    }
    return true;
}

static void print_flat(const json_t *array, FILE *to)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        (void)fputs(i ? ", " : " ", to);
        print_scalar(json_array_get(array, i), to);
    }
    (void)fputs(json_array_size(array) ? "\n" : " none\n", to);
}

static void print_object(const json_t *object, int depth, FILE *to);

static void print_member(const char *key, const json_t *value, int depth, FILE *to)
{
    (void)fprintf(to, "%*s%s:", depth * 2, "", key);
    if (is_scalar(value)) {
        (void)fputc(' ', to);
        print_scalar(value, to);
        (void)fputc('\n', to);
        return;
    }
    if (json_is_array(value) && is_flat(value)) {
        print_flat(value, to);
        return;
    }
    (void)fputc('\n', to);
    if (json_is_object(value))
        print_object(value, depth + 1, to);
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        (void)fprintf(to, "%*s-\n", depth * 2 + 2, "");
        if (json_is_object(item))
            print_object(item, depth + 2, to);
    }
}

/* Depth is the answer's own: our engine nests at most 16. */
static void print_object(const json_t *object, int depth, FILE *to)
{
    /* The iterator wants a pointer that could be written through, which nothing here does. */
    json_t *walked = json_incref((json_t *)(uintptr_t)object);
    for (void *at = json_object_iter(walked); at; at = json_object_iter_next(walked, at))
        print_member(json_object_iter_key(at), json_object_iter_value(at), depth, to);
    json_decref(walked);
}

void cli_text_tree(const json_t *json, FILE *to)
{
    if (json_is_object(json))
        print_object(json, 0, to);
}

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static void print_names(const json_t *object, const char *key, const char *mark, FILE *to)
{
    const json_t *names = json_object_get(object, key);
    for (size_t i = 0; i < json_array_size(names); i++)
        (void)fprintf(to, " %s%s", mark, json_string_value(json_array_get(names, i)));
}

static void print_changes(const json_t *report, FILE *to)
{
    const json_t *rules = json_object_get(report, "rules");
    const json_t *state = json_object_get(report, "state");
    const json_t *tests = json_object_get(report, "tests");
    bool any_rule = json_array_size(json_object_get(rules, "added")) ||
                    json_array_size(json_object_get(rules, "removed")) ||
                    json_array_size(json_object_get(rules, "changed"));
    (void)fputs("  rules:", to);
    print_names(rules, "added", "+", to);
    print_names(rules, "removed", "-", to);
    print_names(rules, "changed", "~", to);
    (void)fputs(any_rule ? "\n" : " as before\n", to);
    if (json_array_size(json_object_get(state, "kept"))) {
        (void)fputs("  shared, kept:", to);
        print_names(state, "kept", "", to);
        (void)fputc('\n', to);
    }
    if (json_array_size(json_object_get(state, "reset"))) {
        (void)fputs("  shared, started fresh:", to);
        print_names(state, "reset", "", to);
        (void)fputc('\n', to);
    }
    bool ran = !json_is_true(json_object_get(report, "rolled_back")); /* they ran when it was loaded */
    if (ran && json_is_false(json_object_get(tests, "present")))
        (void)fputs("  tests: there is no test.lua\n", to);
    else if (ran && json_is_object(tests))
        (void)fprintf(to, "  tests: %lld passed, %lld failed\n", number_of(tests, "passed"),
                      number_of(tests, "failed"));
    const json_t *probation = json_object_get(report, "probation");
    if (probation)
        (void)fprintf(
            to,
            "  on probation for %lld s: version %lld decides the same requests; what leaves its band is rolled back\n",
            number_of(probation, "ms") / 1000, number_of(probation, "against"));
    const char *not_saved = cli_text_of(json_object_get(report, "save_error"), "text");
    if (not_saved[0])
        (void)fprintf(to, "  not kept as the last good version: %s\n", not_saved);
}

static void print_remark(const json_t *report, FILE *to)
{
    const char *remark = cli_text_of(report, "remark");
    if (remark[0])
        (void)fprintf(to, "  note: %s\n", remark);
}

void cli_text_report(const json_t *report, FILE *to)
{
    if (json_is_true(json_object_get(report, "unchanged"))) {
        (void)fprintf(to, "version %lld is active; the policy is byte for byte the same, nothing was done\n",
                      number_of(report, "version"));
        print_remark(report, to);
        return;
    }
    const json_t *shadow = json_object_get(report, "shadow");
    if (shadow) {
        (void)fprintf(
            to, "version %lld (%s %.*s) decides in the shadow of version %lld for %.1f s; `verdict shadow` shows it\n",
            number_of(shadow, "version"), cli_text_of(report, "name"), HASH_SHOWN, cli_text_of(report, "hash"),
            number_of(report, "version"), (double)number_of(shadow, "ms") / 1000);
        print_changes(report, to);
        print_remark(report, to);
        return;
    }
    (void)fprintf(to, "version %lld (%s %.*s) is active", number_of(report, "version"), cli_text_of(report, "name"),
                  HASH_SHOWN, cli_text_of(report, "hash"));
    if (number_of(report, "previous"))
        (void)fprintf(to, ", before it %lld", number_of(report, "previous"));
    (void)fprintf(to, "; took %.1f ms\n", (double)number_of(json_object_get(report, "took_us"), "total") / 1000);
    print_changes(report, to);
    print_remark(report, to);
}

/* ---- Shadow and probation ---- */

static void print_side(const json_t *side, FILE *to)
{
    const char *failure = cli_text_of(side, "failure");
    if (number_of(side, "code"))
        (void)fprintf(to, "%lld", number_of(side, "code"));
    else
        (void)fputs("drop", to);
    (void)fprintf(to, " (%s%s%s)", cli_text_of(side, "rule"), failure[0] ? ", " : "", failure);
}

static void print_pairs(const json_t *trial, FILE *to)
{
    const json_t *kinds = json_object_get(trial, "kinds"), *examples = json_object_get(trial, "examples");
    for (size_t i = 0; i < json_array_size(kinds); i++) {
        const json_t *kind = json_array_get(kinds, i);
        (void)fprintf(to, "  %10lld  ", number_of(kind, "count"));
        print_side(json_object_get(kind, "from"), to);
        (void)fputs(" -> ", to);
        print_side(json_object_get(kind, "to"), to);
        (void)fputc('\n', to);
    }
    if (json_array_size(examples))
        (void)fputs("first examples:\n", to);
    for (size_t i = 0; i < json_array_size(examples); i++) {
        const json_t *example = json_array_get(examples, i);
        (void)fprintf(to, "  %s %s: ", cli_text_of(example, "method"), cli_text_of(example, "target"));
        print_side(json_object_get(example, "from"), to);
        (void)fputs(" -> ", to);
        print_side(json_object_get(example, "to"), to);
        (void)fprintf(to, ", call %s\n", cli_text_of(example, "call_id"));
    }
}

void cli_text_trial(const json_t *trial, FILE *to)
{
    const char *state = cli_text_of(trial, "state");
    if (strcmp(state, "none") == 0) {
        (void)fputs("none since the engine started\n", to);
        return;
    }
    (void)fprintf(to, "version %lld (%.*s) against %lld: %s", number_of(trial, "version"), HASH_SHOWN,
                  cli_text_of(trial, "hash"), number_of(trial, "against"), state);
    if (json_object_get(trial, "left_ms"))
        (void)fprintf(to, ", %.1f s left", (double)number_of(trial, "left_ms") / 1000);
    if (cli_text_of(trial, "activate_if")[0])
        (void)fprintf(to, ", active then if %s", cli_text_of(trial, "activate_if"));
    if (cli_text_of(trial, "result")[0])
        (void)fprintf(to, "\n%s", cli_text_of(trial, "result"));
    const json_t *differences = json_object_get(trial, "differences"), *targets = json_object_get(trial, "targets");
    (void)fprintf(to, "\n%lld requests decided twice (%lld skipped), to %lld targets\n", number_of(trial, "pairs"),
                  number_of(trial, "skipped"), number_of(targets, "total"));
    (void)fprintf(to, "%lld answers differ, at %lld targets; to 410: %lld, from 410: %lld, errors: %lld, kills: %lld\n",
                  number_of(differences, "diff"), number_of(targets, "diff"), number_of(differences, "410"),
                  number_of(differences, "lost 410"), number_of(differences, "errors"),
                  number_of(differences, "kills"));
    print_pairs(trial, to);
}

void cli_text_versions(const json_t *answer, FILE *to)
{
    const json_t *versions = json_object_get(answer, "versions");
    (void)fprintf(to, "%-8s %-10s %-9s %-20s %-24s %s\n", "version", "state", "hash", "name", "activated", "path");
    for (size_t i = 0; i < json_array_size(versions); i++) {
        const json_t *version = json_array_get(versions, i);
        char activated[ENTRY_TIME_MAX] = "-";
        if (number_of(version, "activated_ms"))
            entry_time_text(number_of(version, "activated_ms"), activated);
        bool tried = json_is_true(json_object_get(version, "on_probation"));
        (void)fprintf(to, "%-8lld %-10s %-9.*s %-20s %-24s %s\n", number_of(version, "version"),
                      tried ? "probation" : cli_text_of(version, "state"), HASH_SHOWN, cli_text_of(version, "hash"),
                      cli_text_of(version, "name"), activated, cli_text_of(version, "path"));
        const json_t *failure = json_object_get(version, "failure");
        if (json_is_string(failure))
            (void)fprintf(to, "         %s\n", json_string_value(failure));
        else if (json_is_object(failure))
            (void)fprintf(to, "         %s:%lld: %s\n", cli_text_of(failure, "file"), number_of(failure, "line"),
                          cli_text_of(failure, "text"));
    }
}
