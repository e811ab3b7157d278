/* SPDX-License-Identifier: Apache-2.0 */
/* What a replay found, for people and for programs. */
#include "replay/replay.h"
#include "util/json.h"

#include <time.h>

enum { ROWS_MAX = 40, KINDS_MAX = 5 };

/* "1,204". */
static void add_count(struct buffer *out, uint64_t count)
{
    char digits[32];
    struct buffer text = buffer_over(digits, sizeof(digits));
    buffer_add_u64(&text, count);
    for (size_t i = 0; i < text.len; i++) {
        if (i > 0 && (text.len - i) % 3 == 0)
            buffer_add_byte(out, ',');
        buffer_add_byte(out, digits[i]);
    }
}

static void add_code(struct buffer *out, unsigned code)
{
    if (code)
        buffer_addf(out, "%u", code);
    else
        buffer_add_literal(out, "no answer");
}

static void add_kind(struct buffer *out, const struct replay_group *group)
{
    add_code(out, group->then.code);
    if (group->same_code) {
        buffer_add_literal(out, " with other bytes");
        return;
    }
    buffer_add_literal(out, " -> ");
    add_code(out, group->now.code);
}

/* Kinds are groups without their rules; few, so they are summed up each time. */
static uint64_t count_of_kind(const struct replay_group *groups, size_t count, size_t first)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (groups[i].then.code != groups[first].then.code || groups[i].now.code != groups[first].now.code)
            continue;
        if (i < first)
            return 0; /* told already */
        sum += groups[i].count;
    }
    return sum;
}

static void say_summary(const struct replay_result *result, struct buffer *out)
{
    size_t count, told = 0;
    const struct replay_group *groups = replay_tally_groups(result->tally, &count);
    uint64_t compared = replay_tally_compared(result->tally), differ = replay_tally_differ(result->tally);
    add_count(out, differ);
    buffer_add_literal(out, " of ");
    add_count(out, compared);
    buffer_add_text(out, differ == 1 ? " differs" : " differ");
    if (compared && differ)
        buffer_addf(out, " (%.3g %%)", 100.0 * (double)differ / (double)compared);
    for (size_t i = 0; i < count && told < KINDS_MAX; i++) {
        uint64_t sum = count_of_kind(groups, count, i);
        if (!sum)
            continue;
        buffer_add_text(out, told++ ? ", " : ": ");
        add_count(out, sum);
        buffer_add_text(out, told == 1 ? (sum == 1 ? " is " : " are ") : " ");
        add_kind(out, &groups[i]);
    }
    buffer_add_byte(out, '\n');
}

static void add_rule(const struct replay_result *result, struct buffer *out, uint16_t rule)
{
    if (rule)
        buffer_addf(out, "\"%s\"", replay_tally_rule_name(result->tally, rule));
    else
        buffer_add_literal(out, "no rule");
}

static void add_rules(const struct replay_ask *ask, const struct replay_result *result, struct buffer *out,
                      const struct replay_group *group)
{
    /* A capture says what was answered, but not why. */
    bool knows_then = ask->against || !result->counters.is_capture;
    buffer_add_literal(out, "  by ");
    if (knows_then && group->then.rule != group->now.rule) {
        add_rule(result, out, group->then.rule);
        buffer_add_literal(out, " -> ");
    }
    add_rule(result, out, group->now.rule);
    buffer_add_byte(out, '\n');
}

static void say_groups(const struct replay_ask *ask, const struct replay_result *result, struct buffer *out)
{
    size_t count;
    const struct replay_group *groups = replay_tally_groups(result->tally, &count);
    for (size_t i = 0; i < count && i < ROWS_MAX; i++) {
        char row[64];
        struct buffer text = buffer_over(row, sizeof(row));
        add_count(&text, groups[i].count);
        buffer_addf(out, "  %12.*s  ", (int)text.len, row);
        add_kind(out, &groups[i]);
        add_rules(ask, result, out, &groups[i]);
    }
    if (count > ROWS_MAX)
        buffer_addf(out, "  and %zu kinds more (--json has them all)\n", count - ROWS_MAX);
}

static void add_time(struct buffer *out, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    char text[32] = "";
    if (gmtime_r(&seconds, &parts))
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    buffer_addf(out, "%s.%03dZ", text, (int)(wall_ms % 1000));
}

static void say_examples(const struct replay_ask *ask, const struct replay_result *result, struct buffer *out)
{
    size_t count;
    const struct replay_example *examples = replay_tally_examples(result->tally, &count);
    if (count)
        buffer_add_literal(out, "the first\n");
    for (size_t i = 0; i < count; i++) {
        buffer_add_literal(out, "  ");
        add_time(out, examples[i].wall_ms);
        buffer_addf(out, "  %s\n      ", examples[i].text);
        add_kind(out, &examples[i].group);
        add_rules(ask, result, out, &examples[i].group);
    }
}

static void say_answers(const struct replay_result *result, struct buffer *out)
{
    size_t count;
    const struct replay_answer *answers = replay_tally_answers(result->tally, &count);
    buffer_add_literal(out, "answers now\n");
    for (size_t i = 0; i < count && i < ROWS_MAX; i++) {
        char row[64];
        struct buffer text = buffer_over(row, sizeof(row));
        add_count(&text, answers[i].count);
        buffer_addf(out, "  %12.*s  ", (int)text.len, row);
        add_code(out, answers[i].code);
        buffer_add_literal(out, "  by ");
        add_rule(result, out, answers[i].rule);
        buffer_add_byte(out, '\n');
    }
}

/* What was not decided, and why, as rows of one table; zero rows are not told. */
struct row {
    const char *key;
    const char *text;
    uint64_t count;
};

enum { LEFT_OUT_MAX = 16 };

static size_t left_out_rows(const struct replay_counters *counters, struct row rows[static LEFT_OUT_MAX])
{
    const struct replay_capture_counters *capture = &counters->capture;
    const struct row all[] = {
        {"retransmissions", "retransmissions", counters->retransmissions},
        {"in_dialog", "within a dialog", counters->in_dialog},
        {"acks", "ACK or CANCEL", counters->acks},
        {"malformed", "no well-formed SIP", counters->malformed},
        {"bad_lines", "lines that are none of a decision log", counters->bad_lines},
        {"no_request", "lines of a log kept without log_request = true", counters->no_request},
        {"packets_other", "packets without SIP", capture->other},
        {"packets_damaged", "packets cut or damaged", capture->damaged},
        {"fragments_incomplete", "packets with fragments missing", capture->incomplete},
        {"gaps", "gaps in TCP streams", capture->gaps},
        {"unframed", "places in TCP streams where no message ends", capture->unframed},
        {"foreign_streams", "TCP streams of other protocols, or encrypted", capture->foreign},
        {"packets_tls", "packets under TLS, which cannot be read here", capture->tls},
        {"packets_websocket", "packets of WebSockets, which are not taken apart", capture->websocket},
        {"packets_foreign", "packets of other protocols over TCP", capture->foreign_packets},
        {"packets_headless", "packets of TCP streams that began before the capture", capture->headless},
    };
    _Static_assert(sizeof(all) / sizeof(*all) <= LEFT_OUT_MAX, "they fit");
    memcpy(rows, all, sizeof(all));
    return sizeof(all) / sizeof(*all);
}

static void say_left_out(const struct replay_counters *counters, const char *before, struct buffer *out)
{
    struct row rows[LEFT_OUT_MAX];
    size_t count = left_out_rows(counters, rows);
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].count)
            continue;
        buffer_add_text(out, any ? ", " : before);
        add_count(out, rows[i].count);
        buffer_addf(out, " %s", rows[i].text);
        any = true;
    }
    if (any)
        buffer_add_byte(out, '\n');
}

void replay_report_nothing(const struct replay_result *result, struct buffer *out)
{
    buffer_add_literal(out, "no request in it could be decided");
    size_t before = out->len;
    say_left_out(&result->counters, ": it has ", out);
    if (out->len > before)
        out->len--; /* the line's end */
    if (result->counters.no_request)
        buffer_add_literal(out, "; keep the log with log_request = true");
    if (result->counters.capture.tls || result->counters.capture.websocket)
        buffer_add_literal(
            out, "; what came under TLS or over a WebSocket is in a decision log kept with log_request = true");
}

void replay_report_text(const struct replay_ask *ask, const struct replay_result *result, struct buffer *out)
{
    const struct replay_counters *counters = &result->counters;
    add_count(out, counters->decided);
    buffer_addf(out, " requests decided in %.1f s", (double)counters->elapsed_ms / 1000.0);
    if (counters->elapsed_ms) {
        buffer_add_literal(out, " (");
        add_count(out, counters->decided * 60000 / counters->elapsed_ms);
        buffer_add_literal(out, " a minute)");
    }
    if (counters->failed) {
        buffer_add_literal(out, "; in ");
        add_count(out, counters->failed);
        buffer_add_literal(out, " the policy failed");
    }
    buffer_add_byte(out, '\n');
    if (counters->unanswered) {
        add_count(out, counters->unanswered);
        buffer_add_literal(out, " have no answer in the capture to be compared with\n");
    }
    if (counters->cancelled) {
        add_count(out, counters->cancelled);
        buffer_add_literal(out, " were given up by the caller before they were answered\n");
    }
    say_left_out(counters, "left out: ", out);
    if (result->damage[0])
        buffer_addf(out, "the capture is damaged at its end: %s\n", result->damage);
    if (replay_tally_compared(result->tally)) {
        say_summary(result, out);
        say_groups(ask, result, out);
        say_examples(ask, result, out);
    }
    say_answers(result, out);
}

static void put_change(const struct replay_ask *ask, const struct replay_result *result, struct json *json,
                       const struct replay_group *group)
{
    json_put_u64(json, "then", group->then.code);
    json_put_u64(json, "now", group->now.code);
    if (ask->against || !result->counters.is_capture)
        json_put_text(json, "then_rule", replay_tally_rule_name(result->tally, group->then.rule));
    json_put_text(json, "now_rule", replay_tally_rule_name(result->tally, group->now.rule));
}

static void put_groups(const struct replay_ask *ask, const struct replay_result *result, struct json *json)
{
    size_t count;
    const struct replay_group *groups = replay_tally_groups(result->tally, &count);
    json_key(json, "changes");
    json_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(json);
        put_change(ask, result, json, &groups[i]);
        json_put_u64(json, "count", groups[i].count);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_examples(const struct replay_ask *ask, const struct replay_result *result, struct json *json)
{
    size_t count;
    const struct replay_example *examples = replay_tally_examples(result->tally, &count);
    json_key(json, "examples");
    json_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        char text[48];
        struct buffer time_text = buffer_over(text, sizeof(text));
        add_time(&time_text, examples[i].wall_ms);
        json_object_begin(json);
        json_put_span(json, "time", buffer_span(&time_text));
        put_change(ask, result, json, &examples[i].group);
        json_put_text(json, "request", examples[i].text);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_answers(const struct replay_result *result, struct json *json)
{
    size_t count;
    const struct replay_answer *answers = replay_tally_answers(result->tally, &count);
    json_key(json, "answers");
    json_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(json);
        json_put_u64(json, "code", answers[i].code);
        json_put_text(json, "rule", replay_tally_rule_name(result->tally, answers[i].rule));
        json_put_u64(json, "count", answers[i].count);
        json_object_end(json);
    }
    json_array_end(json);
}

void replay_report_json(const struct replay_ask *ask, const struct replay_result *result, struct buffer *out)
{
    const struct replay_counters *counters = &result->counters;
    struct row rows[LEFT_OUT_MAX];
    size_t count = left_out_rows(counters, rows);
    struct json json = json_into(out);
    json_object_begin(&json);
    json_put_text(&json, "policy", ask->policy);
    json_put_text(&json, "against", ask->against);
    json_put_u64(&json, "decided", counters->decided);
    json_put_u64(&json, "by_engine", counters->by_engine);
    json_put_u64(&json, "failed", counters->failed);
    json_put_u64(&json, "compared", replay_tally_compared(result->tally));
    json_put_u64(&json, "differ", replay_tally_differ(result->tally));
    json_put_u64(&json, "ungrouped", replay_tally_ungrouped(result->tally));
    json_put_u64(&json, "unanswered", counters->unanswered);
    json_put_u64(&json, "cancelled", counters->cancelled);
    json_put_u64(&json, "elapsed_ms", counters->elapsed_ms);
    json_put_text(&json, "damage", result->damage[0] ? result->damage : NULL);
    json_key(&json, "left_out");
    json_object_begin(&json);
    for (size_t i = 0; i < count; i++)
        json_put_u64(&json, rows[i].key, rows[i].count);
    json_object_end(&json);
    put_groups(ask, result, &json);
    put_examples(ask, result, &json);
    put_answers(result, &json);
    json_object_end(&json);
    buffer_add_byte(out, '\n');
}
