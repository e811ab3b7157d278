/* SPDX-License-Identifier: Apache-2.0 */
/* Finds what is wrong with a policy before a request does. */
#include "authoring/authoring_check.h"
#include "authoring/authoring_cover.h"
#include "authoring/authoring_escape.h"
#include "authoring/authoring_scope.h"
#include "authoring/authoring_verdict.h"
#include "policy/policy.h"
#include "util/buffer.h"
#include "util/suggest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct check {
    struct source *source;
    struct authoring_findings *findings;
    const struct policy_description *description; /* NULL: it does not load */
    struct policy *bare; /* a VM with the globals that every policy has; NULL: no memory for one */
    const struct source_file *file;
};

static struct span line_of(struct span text, int line)
{
    for (; line > 1 && text.len > 0; line--)
        text = span_slice(text, span_find(text, '\n') + 1, text.len);
    struct span found = span_slice(text, 0, span_find(text, '\n'));
    return found.len > 0 && found.at[found.len - 1] == '\r' ? span_slice(found, 0, found.len - 1) : found;
}

static bool is_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Where `word` stands in the line, from 1; 0: it does not. */
static int column_of_word(struct span line, struct span word)
{
    for (size_t at = 0; word.len && at + word.len <= line.len; at++) {
        bool begins = at == 0 || !is_word(line.at[at - 1]) || !is_word(word.at[0]);
        bool ends = at + word.len == line.len || !is_word(line.at[at + word.len]) || !is_word(word.at[word.len - 1]);
        if (begins && ends && memcmp(line.at + at, word.at, word.len) == 0)
            return (int)at + 1;
    }
    return 0;
}

/* For what only knows its line: at the last thing on it that the text names in quotes, else at what the text begins with,
 * else where the line begins. */
static int guess_column(struct span line, const char *text)
{
    int column = 0;
    for (const char *at = text + strcspn(text, "\"'"); *at; at += strcspn(at, "\"'")) {
        size_t len = strcspn(at + 1, "\"'");
        int found = column_of_word(line, span_make(at + 1, len));
        column = found ? found : column;
        at += len + 1;
        at += *at != '\0';
    }
    if (!column)
        column = column_of_word(line, span_make(text, strcspn(text, ": ")));
    for (size_t at = 0; !column && at < line.len; at++)
        column = line.at[at] != ' ' && line.at[at] != '\t' ? (int)at + 1 : 0;
    return column;
}

static void find(struct check *check, enum authoring_severity severity, const char *file,
                 const struct authoring_token *at, const char *format, ...) PRINTF_LIKE(5, 6);
static void find(struct check *check, enum authoring_severity severity, const char *file,
                 const struct authoring_token *at, const char *format, ...)
{
    struct authoring_findings *findings = check->findings;
    if (severity == AUTHORING_ERROR)
        findings->errors++;
    if (findings->count == AUTHORING_FINDINGS_MAX) {
        findings->left_out++;
        return;
    }
    const struct source_file *known = source_find(check->source, file);
    struct authoring_finding *finding = &findings->list[findings->count++];
    *finding = (struct authoring_finding){
        .severity = severity,
        .file = known ? known->name : source_main(check->source),
        .line = at ? at->line : 0,
        .column = at ? at->column : 0,
    };
    va_list args;
    va_start(args, format);
    vsnprintf(finding->text, sizeof(finding->text), format, args);
    va_end(args);
    known = source_find(check->source, finding->file);
    if (known && finding->line > 0 && finding->column == 0)
        finding->column = guess_column(line_of(known->bytes, finding->line), finding->text);
}

static void find_at_line(struct check *check, enum authoring_severity severity, const char *file, int line,
                         const char *text)
{
    const struct authoring_token at = {.line = line};
    find(check, severity, file, &at, "%s", text);
}

/* Names that policies have and that people misspell. */
static const char *near_global(struct span name)
{
    static const char *const names[] = {
        "policy", "ok",       "gone",     "moved",   "redirect",  "not_found", "unavailable",  "challenge",   "reject",
        "drop",   "matches",  "prefix",   "in_set",  "in_ranges", "any_of",    "all_of",       "not_",        "hours",
        "ranges", "strings",  "cidrs",    "domains", "prefixes",  "counter",   "map",          "bucket",      "log",
        "now",    "require",  "string",   "table",   "math",      "utf8",      "pairs",        "ipairs",      "select",
        "type",   "tostring", "tonumber", "pcall",   "error",     "assert",    "setmetatable", "getmetatable"};
    char text[64];
    return span_copy(name, text, sizeof(text)) ? suggest_of(text, names, sizeof(names) / sizeof(names[0])) : NULL;
}

static void check_global(struct check *check, const struct authoring_use *use)
{
    int len = (int)use->name.text.len;
    const char *at = use->name.text.at;
    if (use->kind == AUTHORING_USE_WRITE) {
        find(check, AUTHORING_ERROR, check->file->name, &use->name, "'%.*s' is written as a global; write 'local %.*s'",
             len, at, len, at);
        return;
    }
    if (authoring_token_is(&use->name, "_ENV") || !check->bare || policy_has_global(check->bare, use->name.text))
        return;
    const char *near = near_global(use->name.text);
    find(check, AUTHORING_ERROR, check->file->name, &use->name, "there is no global '%.*s'%s%s%s", len, at,
         near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* A set or a shared table of the policy's own. */
static void check_env(struct check *check, const struct authoring_use *use)
{
    const struct policy_description *description = check->description;
    const char *names[POLICY_DATA_MAX + POLICY_SHARED_MAX], *near;
    char name[64] = "";
    size_t count = 0;
    for (size_t i = 0; description && i < description->data_count; i++)
        names[count++] = description->data[i].name;
    for (size_t i = 0; description && i < description->shared_count; i++)
        names[count++] = description->shared[i].name;
    for (size_t i = 0; i < count; i++)
        if (span_equal(use->name.text, span_of(names[i])))
            return;
    if (!description)
        return;
    near = span_copy(use->name.text, name, sizeof(name)) ? suggest_of(name, names, count) : NULL;
    find(check, AUTHORING_ERROR, check->file->name, &use->name,
         "neither `data` nor `shared` of this policy has '%s'%s%s%s", name, near ? "; did you mean '" : "",
         near ? near : "", near ? "'?" : "");
}

/* Reading a global that is not there raises, so the chunk only runs through when the member is something. */
static bool has_member(struct check *check, struct span library, const char *member)
{
    char text[96];
    int len = snprintf(text, sizeof(text), "%.*s.%.40s or nothing", SPAN_ARG(library), member);
    return policy_has_global(check->bare, span_make(text, (size_t)len));
}

static void check_member(struct check *check, const struct authoring_use *use)
{
    static const char *const known[] = {
        "byte",  "char",     "find", "format",  "gmatch",     "gsub",      "len",       "lower",  "match",
        "pack",  "packsize", "rep",  "reverse", "sub",        "unpack",    "upper",     "concat", "insert",
        "move",  "remove",   "sort", "abs",     "ceil",       "floor",     "fmod",      "huge",   "max",
        "min",   "modf",     "pi",   "random",  "sqrt",       "tointeger", "codepoint", "codes",  "offset",
        "debug", "info",     "warn", "error",   "maxinteger", "mininteger"};
    const char *names[sizeof(known) / sizeof(known[0])], *near;
    char name[41] = "";
    size_t count = 0;
    if (!check->bare || !span_copy(use->name.text, name, sizeof(name)) || has_member(check, use->object, name))
        return;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (has_member(check, use->object, known[i]))
            names[count++] = known[i];
    near = suggest_of(name, names, count);
    find(check, AUTHORING_ERROR, check->file->name, &use->name, "%.*s has no '%s'%s%s%s", SPAN_ARG(use->object), name,
         near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static void check_use(void *ctx, const struct authoring_use *use)
{
    struct check *check = ctx;
    const char *near = NULL;
    if (use->kind != AUTHORING_USE_FIELD)
        check_global(check, use);
    else if (span_equal(use->object, SPAN("env")))
        check_env(check, use);
    else if (!span_starts_with(use->object, SPAN("req")))
        check_member(check, use);
    else if (!policy_object_has_field(use->object, use->name.text, &near))
        find(check, AUTHORING_ERROR, check->file->name, &use->name, "%.*s has no field '%.*s'%s%s%s",
             SPAN_ARG(use->object), SPAN_ARG(use->name.text), near ? "; did you mean '" : "", near ? near : "",
             near ? "'?" : "");
}

/* Causes that say something else than their verdict (RFC 3398 8.2.6.1, Q.850); NULL: nothing is wrong with it. */
static const char *cause_contradiction(int code, int q850)
{
    if (code == 410 && q850 != 0 && q850 != 1 && q850 != 22 && q850 != 23)
        return "a 410 says that the number ended: 1 (unallocated), 22 (number changed) or 23 fit";
    if (code == 404 && q850 == 22)
        return "22 (number changed) is a 410 or a 301";
    if (code == 480 && (q850 == 1 || q850 == 22))
        return "480 is for now; 1 (unallocated) and 22 (number changed) are for good";
    return q850 == 16 ? "16 is the normal end of a call, not a refusal" : NULL;
}

static void check_cause(struct check *check, const struct policy_rule_info *rule)
{
    char text[200];
    const char *meaning = cause_contradiction(rule->code, rule->q850);
    if (!meaning)
        return;
    snprintf(text, sizeof(text), "rule \"%s\": q850 = %d contradicts %d: %s", rule->name, rule->q850, rule->code,
             meaning);
    find_at_line(check, AUTHORING_WARNING, "", rule->line, text);
}

/* Whether anything but the script's word says that the target is gone. */
static bool has_ground(const struct policy_when *when, const struct policy_answer *answer)
{
    for (unsigned i = 0; i < when->count; i++) {
        const struct policy_match *match = &when->list[i].match;
        if ((match->op == POLICY_OP_STATES && match->states == 1u << POLICY_STATE_GONE) || match->op == POLICY_OP_SET)
            return true;
    }
    return !span_is_empty(answer->evidence);
}

/* A rule before this one answers whenever this one could. */
static void check_reached(struct check *check, const struct policy *policy,
                          const struct policy_description *description, size_t at)
{
    char text[256];
    const struct policy_answer *ignored;
    const struct policy_rule_info *rule = &description->rules[at];
    const struct policy_when *when = policy_rule(policy, at, &ignored);
    for (size_t i = 0; i < at; i++) {
        const struct policy_rule_info *earlier = &description->rules[i];
        if (!earlier->plain || !authoring_cover_when(policy_rule(policy, i, &ignored), when))
            continue;
        snprintf(text, sizeof(text), "rule \"%s\" before it fits %s, so rule \"%s\" is never reached", earlier->name,
                 earlier->conditions ? "whenever it does" : "always", rule->name);
        find_at_line(check, AUTHORING_WARNING, "", rule->line, text);
        return;
    }
}

static void check_rules(struct check *check, const struct policy *policy)
{
    char text[256];
    const struct policy_answer *answer;
    const struct policy_description *description = policy_describe(policy_program_of(policy));
    for (size_t i = 0; i < description->rule_count; i++) {
        const struct policy_rule_info *rule = &description->rules[i];
        const struct policy_when *when = policy_rule(policy, i, &answer);
        check_reached(check, policy, description, i);
        if (answer && answer->verdict == POLICY_GONE && !has_ground(when, answer)) {
            snprintf(text, sizeof(text),
                     "rule \"%s\" answers 410 without ground: give `evidence`, or ask a data set or state = \"gone\"",
                     rule->name);
            find_at_line(check, AUTHORING_WARNING, "", rule->line, text);
        }
        check_cause(check, rule);
    }
    if (description->gone_by_default)
        find_at_line(check, AUTHORING_WARNING, "", 0,
                     "default answers 410: whoever is not known would be told that they are gone for good");
}

/* A verdict in code: no schema sees it before a request makes it. */
static void on_verdict(void *ctx, const struct authoring_verdict *verdict)
{
    struct check *check = ctx;
    const char *meaning = cause_contradiction(verdict->code, verdict->q850);
    if (verdict->verdict == POLICY_GONE && verdict->in_code && !verdict->has_evidence)
        find(check, AUTHORING_WARNING, check->file->name, &verdict->name,
             "a 410 without `evidence`: only a tombstone in the directory gives it ground");
    if (meaning && verdict->in_code)
        find(check, AUTHORING_WARNING, check->file->name, &verdict->q850_at, "q850 = %d contradicts %d: %s",
             verdict->q850, verdict->code, meaning);
}

static void on_verdict_field(void *ctx, enum policy_verdict verdict, const struct authoring_token *field)
{
    struct check *check = ctx;
    const char *names[64], *near;
    char name[64] = "";
    size_t count = policy_answer_names(verdict, names, 64);
    for (size_t i = 0; i < count; i++)
        if (span_equal(field->text, span_of(names[i])))
            return;
    near = span_copy(field->text, name, sizeof(name)) ? suggest_of(name, names, count) : NULL;
    find(check, AUTHORING_ERROR, check->file->name, field, "%s has no field '%.*s'%s%s%s", policy_verdict_name(verdict),
         SPAN_ARG(field->text), near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* How often the pattern may begin anew: one for each repetition that something must follow, one more where it is not
 * anchored.  Two is quadratic in the subject's length. */
static unsigned pattern_order(struct span pattern)
{
    unsigned order = pattern.len > 0 && pattern.at[0] == '^' ? 0 : 1;
    bool repeated = false; /* the last item was, and nothing came behind it yet */
    bool any = false;      /* the last item was `.`, behind which `$` cannot fail */
    for (size_t i = order ? 0 : 1; i < pattern.len; i++) {
        char c = pattern.at[i];
        char next = i + 1 < pattern.len ? pattern.at[i + 1] : '\0';
        if (c == '(' || c == ')' || (c == '$' && i + 1 == pattern.len && repeated && any))
            continue;
        if (repeated)
            order++;
        any = c == '.';
        if (c == '%' && next)
            i++;
        for (size_t end = i + 2; c == '[' && end < pattern.len; end++) {
            if (pattern.at[end] == ']') {
                i = end;
                break;
            }
        }
        next = i + 1 < pattern.len ? pattern.at[i + 1] : '\0';
        repeated = next == '*' || next == '+' || next == '-';
        if (repeated)
            i++;
    }
    return order;
}

/* s:match "pattern", s:gsub("pattern", ...) and their kin. */
static void check_patterns(struct check *check)
{
    static const char *const functions[] = {"find", "match", "gmatch", "gsub"};
    struct authoring_scan scan = authoring_scan_begin(check->file->bytes);
    struct authoring_token before[2] = {{0}};
    struct authoring_token token;
    for (; authoring_scan_next(&scan, &token); before[1] = before[0], before[0] = token) {
        const struct authoring_token *name = authoring_token_is(&before[0], "(") ? &before[1] : &before[0];
        bool is_pattern = false;
        for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
            is_pattern = is_pattern || (name->kind == AUTHORING_TOKEN_NAME && authoring_token_is(name, functions[i]));
        if (token.kind == AUTHORING_TOKEN_STRING && is_pattern && pattern_order(token.text) > 1)
            find(check, AUTHORING_WARNING, check->file->name, &token,
                 "this pattern is %s on a hostile header: anchor it with ^, or repeat fewer classes",
                 pattern_order(token.text) > 2 ? "cubic or worse" : "quadratic");
    }
}

static void on_escape(void *ctx, struct span what, const struct authoring_token *at)
{
    find(ctx, AUTHORING_WARNING, ((struct check *)ctx)->file->name, at,
         "%.*s is kept past the decision, where it reads the next request; copy the fields that you need",
         SPAN_ARG(what));
}

/* Functions call each other in any order and across files, so what is known of them is gathered first. */
static void check_escapes(struct check *check)
{
    enum { ROUNDS_MAX = 8 };
    struct authoring_escape_known known = {0};
    bool changed = true;
    for (int round = 0; round <= ROUNDS_MAX; round++) {
        bool is_last = !changed || round == ROUNDS_MAX;
        changed = false;
        for (size_t i = 0; i < source_count(check->source); i++) {
            check->file = source_at(check->source, i);
            if (!span_ends_with(span_of(check->file->name), SPAN(".lua")) || strcmp(check->file->name, "test.lua") == 0)
                continue;
            authoring_escape_walk(check->file->bytes, &known, is_last ? on_escape : NULL, check);
            changed = changed || known.changed;
        }
        if (is_last)
            return;
    }
}

static void check_file(struct check *check)
{
    if (!span_ends_with(span_of(check->file->name), SPAN(".lua")))
        return;
    authoring_scope_walk(check->file->bytes, check_use, check);
    if (strcmp(check->file->name, "test.lua") == 0)
        return;
    authoring_verdict_walk(check->file->bytes, on_verdict, on_verdict_field, check);
    check_patterns(check);
}

/* A VM of a policy that does nothing. */
static struct policy *bare_policy(void)
{
    const struct source_file file = {"policy.lua", SPAN("return function() end")};
    const struct policy_options options = {0};
    struct source *source = NULL;
    struct policy *policy = NULL;
    if (source_from_memory("bare", &file, 1, &source, NULL) != OK)
        return NULL;
    if (policy_load(source, &options, &policy, NULL) != OK)
        policy = NULL;
    source_unref(source);
    return policy;
}

static int compare_findings(const void *a, const void *b)
{
    const struct authoring_finding *left = a;
    const struct authoring_finding *right = b;
    int files = strcmp(left->file, right->file);
    if (files != 0)
        return files;
    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    return left->column < right->column ? -1 : left->column > right->column;
}

void authoring_check(struct source *source, struct authoring_findings *out_findings)
{
    struct check check = {.source = source, .findings = out_findings, .bare = bare_policy()};
    const struct policy_options options = {0};
    struct policy *policy = NULL;
    struct fault fault = {0};
    *out_findings = (struct authoring_findings){0};
    enum err err = policy_load(source, &options, &policy, &fault);
    if (err == OK) {
        check.description = policy_describe(policy_program_of(policy));
        check_rules(&check, policy);
    }
    for (size_t i = 0; err != ERR_SYNTAX && i < source_count(source); i++) {
        check.file = source_at(source, i);
        check_file(&check);
    }
    if (err != ERR_SYNTAX)
        check_escapes(&check);
    if (err != OK && out_findings->errors == 0) /* an unknown global is the reason of a failed load, not beside it */
        find_at_line(&check, AUTHORING_ERROR, fault.file, fault.line, fault.text);
    qsort(out_findings->list, out_findings->count, sizeof(out_findings->list[0]), compare_findings);
    policy_free(policy);
    policy_free(check.bare);
}

/* Control bytes would drive the terminal that shows them; one for one, so that the caret stands where it should. */
static void add_harmless(struct buffer *out, struct span line)
{
    for (size_t at = 0; at < line.len; at++) {
        unsigned char byte = (unsigned char)line.at[at];
        buffer_add_byte(out, (byte < ' ' && byte != '\t') || byte == 0x7f ? '?' : (char)byte);
    }
}

void authoring_finding_format(const struct authoring_finding *finding, const struct source *source, struct buffer *out)
{
    const struct source_file *file = source_find(source, finding->file);
    buffer_add_text(out, finding->file);
    if (finding->line > 0)
        buffer_addf(out, ":%d", finding->line);
    if (finding->column > 0)
        buffer_addf(out, ":%d", finding->column);
    buffer_addf(out, ": %s: %s\n", finding->severity == AUTHORING_ERROR ? "error" : "warning", finding->text);
    if (!file || finding->line == 0 || finding->column == 0)
        return;
    struct span line = line_of(file->bytes, finding->line);
    buffer_add_text(out, "    ");
    add_harmless(out, span_slice(line, 0, 200));
    buffer_add_text(out, "\n    ");
    for (int i = 1; i < finding->column && i < 200; i++)
        buffer_add_byte(out, (size_t)i <= line.len && line.at[i - 1] == '\t' ? '\t' : ' ');
    buffer_add_text(out, "^\n");
}
