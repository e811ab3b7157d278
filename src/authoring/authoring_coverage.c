/* SPDX-License-Identifier: Apache-2.0 */
#include "authoring/authoring_coverage.h"
#include "authoring/authoring_lines.h"

#include "util/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONDITIONS_MAX = 32, FIELD_MAX = 48 };

struct script {
    const char *name;
    bool can_run[AUTHORING_LINES_MAX];
    bool ran[AUTHORING_LINES_MAX];
};

struct condition {
    char field[FIELD_MAX]; /* "": never asked */
    bool held;
    bool failed;
};

struct rule {
    bool fitted;
    struct condition conditions[CONDITIONS_MAX];
};

struct authoring_coverage {
    struct policy_trace trace;
    struct source *source;
    size_t script_count;
    struct script *scripts[SOURCE_FILES_MAX];
    struct rule rules[POLICY_RULES_MAX];
};

static void on_line(void *ctx, const char *file, int line)
{
    struct authoring_coverage *coverage = ctx;
    if (line <= 0 || line >= AUTHORING_LINES_MAX)
        return;
    for (size_t i = 0; i < coverage->script_count; i++) {
        if (strcmp(coverage->scripts[i]->name, file) == 0)
            coverage->scripts[i]->ran[line] = true;
    }
}

static void on_rule(void *ctx, size_t index, enum policy_tried tried)
{
    struct authoring_coverage *coverage = ctx;
    if (index < POLICY_RULES_MAX && tried == POLICY_TRIED_FITS)
        coverage->rules[index].fitted = true;
}

static void on_condition(void *ctx, size_t rule, unsigned condition, struct span field, struct span value, bool holds)
{
    struct authoring_coverage *coverage = ctx;
    (void)value;
    if (rule >= POLICY_RULES_MAX || condition >= CONDITIONS_MAX)
        return;
    struct condition *entry = &coverage->rules[rule].conditions[condition];
    (void)span_copy(span_slice(field, 0, FIELD_MAX - 1), entry->field, sizeof(entry->field));
    *(holds ? &entry->held : &entry->failed) = true;
}

/* test.lua tests; it is not what is tested. */
static bool is_script(const char *name)
{
    return span_ends_with(span_of(name), SPAN(".lua")) && strcmp(name, "test.lua") != 0;
}

enum err authoring_coverage_new(struct source *source, struct authoring_coverage **out_coverage, struct fault *fault)
{
    struct authoring_coverage *coverage = calloc(1, sizeof(*coverage));
    if (!coverage)
        return fault_set(fault, ERR_NOMEM, "", 0, "out of memory");
    coverage->source = source_ref(source);
    coverage->trace =
        (struct policy_trace){.ctx = coverage, .rule = on_rule, .condition = on_condition, .line = on_line};
    enum err err = OK;
    for (size_t i = 0; err == OK && i < source_count(source); i++) {
        const struct source_file *file = source_at(source, i);
        if (!is_script(file->name))
            continue;
        struct script *script = calloc(1, sizeof(*script));
        if (!script) {
            err = fault_set(fault, ERR_NOMEM, file->name, 0, "out of memory");
            break;
        }
        coverage->scripts[coverage->script_count++] = script;
        script->name = file->name;
        err = authoring_lines_find(file->bytes, script->can_run);
        if (err == ERR_SYNTAX)
            err = OK; /* loading it says what is wrong, with its line */
        if (err != OK)
            fault_set(fault, err, file->name, 0, "its lines cannot be counted: %s", err_text(err));
    }
    if (err == OK)
        *out_coverage = coverage;
    else
        authoring_coverage_free(coverage);
    return err;
}

void authoring_coverage_free(struct authoring_coverage *coverage)
{
    if (!coverage)
        return;
    for (size_t i = 0; i < coverage->script_count; i++)
        free(coverage->scripts[i]);
    source_unref(coverage->source);
    free(coverage);
}

const struct policy_trace *authoring_coverage_trace(const struct authoring_coverage *coverage)
{
    return &coverage->trace;
}

struct tally {
    size_t reached;
    size_t all;
};

static void count(struct tally *tally, bool reached)
{
    tally->all++;
    tally->reached += reached;
}

static void say(struct buffer *out, const char *what, const struct tally *tally)
{
    buffer_addf(out, "coverage: %s %zu of %zu\n", what, tally->reached, tally->all);
}

static struct tally report_lines(const struct authoring_coverage *coverage, struct buffer *out)
{
    struct tally tally = {0};
    for (size_t i = 0; i < coverage->script_count; i++) {
        const struct script *script = coverage->scripts[i];
        for (int line = 1; line < AUTHORING_LINES_MAX; line++) {
            if (!script->can_run[line])
                continue;
            count(&tally, script->ran[line]);
            if (!script->ran[line])
                buffer_addf(out, "  %s:%d never ran\n", script->name, line);
        }
    }
    say(out, "lines", &tally);
    return tally;
}

static struct tally report_rules(const struct authoring_coverage *coverage,
                                 const struct policy_description *description, struct buffer *out)
{
    struct tally tally = {0};
    for (size_t i = 0; i < description->rule_count; i++) {
        const struct policy_rule_info *rule = &description->rules[i];
        count(&tally, coverage->rules[i].fitted);
        if (!coverage->rules[i].fitted)
            buffer_addf(out, "  rule \"%s\" (line %d) never gave the verdict\n", rule->name, rule->line);
    }
    say(out, "rules", &tally);
    return tally;
}

static void report_condition(const struct condition *condition, const struct policy_rule_info *rule, unsigned index,
                             struct tally *tally, struct buffer *out)
{
    count(tally, condition->held);
    count(tally, condition->failed);
    if (condition->field[0] == '\0')
        buffer_addf(out, "  rule \"%s\" (line %d): condition %u of its `when` was never asked\n", rule->name,
                    rule->line, index + 1);
    else if (!condition->held || !condition->failed)
        buffer_addf(out, "  rule \"%s\" (line %d): `%s` %s\n", rule->name, rule->line, condition->field,
                    condition->held ? "always held" : "never held");
}

static struct tally report_branches(const struct authoring_coverage *coverage,
                                    const struct policy_description *description, struct buffer *out)
{
    struct tally tally = {0};
    for (size_t i = 0; i < description->rule_count; i++) {
        for (unsigned j = 0; j < description->rules[i].conditions && j < CONDITIONS_MAX; j++)
            report_condition(&coverage->rules[i].conditions[j], &description->rules[i], j, &tally, out);
    }
    say(out, "branches of when", &tally);
    return tally;
}

unsigned authoring_coverage_report(const struct authoring_coverage *coverage,
                                   const struct policy_description *description, struct buffer *out)
{
    struct tally lines = report_lines(coverage, out);
    struct tally rules = report_rules(coverage, description, out);
    struct tally branches = report_branches(coverage, description, out);
    size_t all = lines.all + rules.all + branches.all;
    size_t reached = lines.reached + rules.reached + branches.reached;
    unsigned covered = all == 0 ? 100 : (unsigned)(reached * 100 / all);
    buffer_addf(out, "coverage: %u%%\n", covered);
    return covered;
}
