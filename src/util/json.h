/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON writer (RFC 8259) into a buffer: commas and quotes by itself, invalid UTF-8 as U+FFFD, control bytes escaped.
 * Nesting to 16; reading JSON is jansson's, in the folders that may. */
#pragma once

#include "util/buffer.h"

struct json {
    struct buffer *out;
    unsigned depth;
    bool need_comma;
};

static inline struct json json_into(struct buffer *out)
{
    return (struct json){.out = out};
}
void json_object_begin(struct json *json);
void json_object_end(struct json *json);
void json_array_begin(struct json *json);
void json_array_end(struct json *json);
/* Inside an object: the key of what is written next. */
void json_key(struct json *json, const char *key);
void json_span(struct json *json, struct span value);
void json_text(struct json *json, const char *value); /* NULL is null */
void json_u64(struct json *json, uint64_t value);
void json_i64(struct json *json, int64_t value);
void json_double(struct json *json, double value); /* not finite: null */
void json_bool(struct json *json, bool value);
/* null; jansson has a json_null() of its own, which ours would take the place of in a process that has both. */
void json_none(struct json *json);
/* A key and its value in one. */
void json_put_span(struct json *json, const char *key, struct span value);
/* Any bytes.  As text under `key` where they are UTF-8.  Else under `byte_key`, each byte as the character of that number
 * (ISO 8859-1): whoever reads it back gets the same bytes, and people can still read most of it. */
void json_put_bytes(struct json *json, const char *key, const char *byte_key, struct span value);
void json_put_text(struct json *json, const char *key, const char *value);
void json_put_u64(struct json *json, const char *key, uint64_t value);
void json_put_i64(struct json *json, const char *key, int64_t value);
void json_put_bool(struct json *json, const char *key, bool value);
