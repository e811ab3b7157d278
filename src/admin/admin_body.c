/* SPDX-License-Identifier: Apache-2.0 */
/* JSON bodies against a table of members: what is not in it, or has another type, is refused by name. */
#include "admin/admin_priv.h"
#include "entry/entry_record.h"
#include "entry/entry_time.h"
#include <jansson.h>
#include <string.h>

static const char *const kind_names[] = {
    [ADMIN_FIELD_TEXT] = "a string",
    [ADMIN_FIELD_NUMBER] = "a whole number",
    [ADMIN_FIELD_FLAG] = "true or false",
    [ADMIN_FIELD_TIME] = "a time (\"2026-01-31T12:00:00Z\", \"2026-01-31\" or Unix seconds)",
};

static bool take_time(const json_t *value, int64_t *out_ms)
{
    if (json_is_string(value))
        return entry_time_parse(span_make(json_string_value(value), json_string_length(value)), out_ms);
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > INT64_MAX / 1000)
        return false;
    *out_ms = json_integer_value(value) * 1000;
    return true;
}

/* A string with a NUL in it would be cut where C reads it: refused. */
static bool is_plain_text(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

static bool take_field(const struct admin_field *field, const json_t *value, void *out)
{
    char *at = (char *)out + field->offset;
    int64_t number;
    bool flag;
    const char *text;
    switch (field->kind) {
    case ADMIN_FIELD_TEXT:
        if (!is_plain_text(value))
            return false;
        text = json_string_value(value);
        memcpy(at, &text, sizeof(text));
        return true;
    case ADMIN_FIELD_NUMBER:
        number = json_integer_value(value);
        memcpy(at, &number, sizeof(number));
        return json_is_integer(value);
    case ADMIN_FIELD_FLAG:
        flag = json_is_true(value);
        memcpy(at, &flag, sizeof(flag));
        return json_is_boolean(value);
    case ADMIN_FIELD_TIME:
        if (!take_time(value, &number))
            return false;
        memcpy(at, &number, sizeof(number));
        return true;
    }
    return false;
}

static bool take_member(struct admin_request *request, const struct admin_field *fields, const char *name,
                        const json_t *value, void *out)
{
    for (const struct admin_field *field = fields; field->name; field++) {
        if (strcmp(field->name, name) != 0)
            continue;
        if (json_is_null(value) || take_field(field, value, out))
            return true;
        admin_fail(request, MHD_HTTP_BAD_REQUEST, "\"%s\": expected %s", name, kind_names[field->kind]);
        return false;
    }
    char known[256];
    struct buffer list = buffer_over(known, sizeof(known) - 1);
    for (const struct admin_field *field = fields; field->name; field++)
        buffer_addf(&list, "%s%s", field == fields ? "" : ", ", field->name);
    known[list.len] = '\0';
    admin_fail(request, MHD_HTTP_BAD_REQUEST, "\"%.64s\" is not known here; expected one of: %s", name, known);
    return false;
}

bool admin_body_read(struct admin_request *request, const struct admin_field *fields, void *out, json_t **out_tree)
{
    json_error_t error;
    struct span body = span_trim(buffer_span(&request->body));
    json_t *tree = body.len ? json_loadb(body.at, body.len, JSON_REJECT_DUPLICATES, &error) : json_object();
    if (!tree) {
        admin_fail(request, MHD_HTTP_BAD_REQUEST, "the body is not JSON: line %d: %s", body.len ? error.line : 0,
                   body.len ? error.text : "out of memory");
        return false;
    }
    if (!json_is_object(tree)) {
        admin_fail(request, MHD_HTTP_BAD_REQUEST, "the body: expected a JSON object");
        json_decref(tree);
        return false;
    }
    const char *name;
    json_t *value;
    json_object_foreach(tree, name, value)
    {
        if (!take_member(request, fields, name, value, out)) {
            json_decref(tree);
            return false;
        }
    }
    *out_tree = tree;
    return true;
}

void admin_body_free(json_t *tree)
{
    json_decref(tree);
}
