/* SPDX-License-Identifier: Apache-2.0 */
/* A report for machines (JSON) and for the log (one line). */
#include "release/release_report.h"
#include "util/json.h"

static const char *const phase_names[RELEASE_PHASE_COUNT] = {
    [RELEASE_READ] = "read",   [RELEASE_VALIDATE] = "validate", [RELEASE_TEST] = "test",
    [RELEASE_STAGE] = "stage", [RELEASE_SWITCH] = "switch",     [RELEASE_SAVE] = "save",
};

static void put_names(struct json *json, const char *key, const struct release_names *names)
{
    json_key(json, key);
    json_array_begin(json);
    for (size_t index = 0; index < names->count; index++)
        json_text(json, names->list[index]);
    json_array_end(json);
}

static void put_fault(struct json *json, const char *key, const struct fault *fault)
{
    json_key(json, key);
    json_object_begin(json);
    json_put_text(json, "text", fault->text[0] ? fault->text : err_text(fault->err));
    if (fault->file[0])
        json_put_text(json, "file", fault->file);
    if (fault->line > 0)
        json_put_i64(json, "line", fault->line);
    json_object_end(json);
}

static void put_outcome(struct json *json, const struct release_report *report)
{
    json_put_bool(json, "ok", report->ok);
    json_put_bool(json, "unchanged", report->unchanged);
    json_put_bool(json, "last_good", report->last_good);
    json_put_bool(json, "rolled_back", report->rolled_back);
    json_put_bool(json, "saved", report->saved);
    json_put_u64(json, "version", report->version);
    json_put_u64(json, "previous", report->previous);
    json_put_text(json, "reached", release_state_name(report->reached));
    json_put_text(json, "name", report->name);
    json_put_text(json, "hash", report->hash);
}

static void put_trials(struct json *json, const struct release_report *report)
{
    if (report->candidate) {
        json_key(json, "shadow");
        json_object_begin(json);
        json_put_u64(json, "version", report->candidate);
        json_put_u64(json, "ms", report->shadow_ms);
        json_object_end(json);
    }
    if (report->against) {
        json_key(json, "probation");
        json_object_begin(json);
        json_put_u64(json, "against", report->against);
        json_put_u64(json, "ms", report->probation_ms);
        json_object_end(json);
    }
    if (report->remark[0])
        json_put_text(json, "remark", report->remark);
}

void release_report_json(const struct release_report *report, struct buffer *out)
{
    struct json json = json_into(out);
    json_object_begin(&json);
    put_outcome(&json, report);
    json_key(&json, "rules");
    json_object_begin(&json);
    put_names(&json, "added", &report->added);
    put_names(&json, "removed", &report->removed);
    put_names(&json, "changed", &report->changed);
    json_object_end(&json);
    json_key(&json, "state");
    json_object_begin(&json);
    put_names(&json, "kept", &report->kept);
    put_names(&json, "reset", &report->reset);
    json_object_end(&json);
    json_key(&json, "tests");
    json_object_begin(&json);
    json_put_bool(&json, "present", report->has_tests);
    json_put_u64(&json, "passed", report->tests.passed);
    json_put_u64(&json, "failed", report->tests.failed);
    json_object_end(&json);
    json_key(&json, "took_us");
    json_object_begin(&json);
    for (int phase = 0; phase < RELEASE_PHASE_COUNT; phase++)
        json_put_u64(&json, phase_names[phase], report->took_us[phase]);
    json_put_u64(&json, "total", report->took_total_us);
    json_object_end(&json);
    put_trials(&json, report);
    if (report->fault.err != OK)
        put_fault(&json, "error", &report->fault);
    if (report->save_fault.err != OK)
        put_fault(&json, "save_error", &report->save_fault);
    json_object_end(&json);
}

static void add_fault(struct buffer *out, const struct fault *fault)
{
    char text[FAULT_FILE_MAX + FAULT_TEXT_MAX + 32];
    fault_format(fault, text, sizeof(text));
    buffer_add_text(out, text);
}

static void add_changes(const struct release_report *report, struct buffer *out)
{
    if (report->rolled_back)
        buffer_addf(out, ", rolled back from %llu", (unsigned long long)report->previous);
    buffer_addf(out, ", rules: %zu added, %zu removed, %zu changed", report->added.count, report->removed.count,
                report->changed.count);
    if (report->has_tests)
        buffer_addf(out, ", %zu tests passed", report->tests.passed);
    for (size_t index = 0; report->previous && index < report->reset.count; index++)
        buffer_addf(out, ", shared %s starts fresh", report->reset.list[index]);
    buffer_addf(out, ", %.1f ms", (double)report->took_total_us / 1000);
    if (report->against)
        buffer_addf(out, "; on probation for %u s against version %llu", report->probation_ms / 1000,
                    (unsigned long long)report->against);
    if (report->save_fault.err != OK) {
        buffer_add_text(out, "; not kept as the last good version: ");
        add_fault(out, &report->save_fault);
    }
}

void release_report_text(const struct release_report *report, struct buffer *out)
{
    unsigned long long version = (unsigned long long)report->version;
    if (report->candidate && report->fault.err == OK) {
        buffer_addf(out, "version %llu (%.8s) of %s decides in the shadow of version %llu for %u s and answers nothing",
                    (unsigned long long)report->candidate, report->hash, report->name, version,
                    report->shadow_ms / 1000);
    } else if (report->last_good) {
        buffer_add_text(out, "THE POLICY COULD NOT BE LOADED: ");
        add_fault(out, &report->fault);
        buffer_addf(out, "; running the LAST GOOD version %.8s of %s in its place", report->hash, report->name);
    } else if (!report->ok) {
        buffer_add_text(out, "refused: ");
        add_fault(out, &report->fault);
        if (report->version)
            buffer_addf(out, "; version %llu stays active", version);
    } else if (report->unchanged) {
        buffer_addf(out, "unchanged: version %llu (%.8s) of %s stays active", version, report->hash, report->name);
    } else {
        buffer_addf(out, "version %llu (%.8s) of %s is active", version, report->hash, report->name);
        add_changes(report, out);
    }
    if (report->remark[0])
        buffer_addf(out, "; %s", report->remark);
}
