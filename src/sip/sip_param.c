/* SPDX-License-Identifier: Apache-2.0 */
/* Header parameters: ";name", ";name=token", ";name="quoted"". */
#include "sip/sip_param.h"

#include "sip/sip_priv.h"

/* The value behind '='.  ERR_SYNTAX when it is empty or a quoted string does not close. */
static enum err take_value(const char **at, const char *end, struct sip_param *out_param)
{
    const char *from = *at;
    if (from < end && *from == '"') {
        const char *behind = sip_text_quoted_end(from, end);
        if (!behind)
            return ERR_SYNTAX;
        out_param->value = span_make(from + 1, (size_t)(behind - from) - 2);
        out_param->quoted = true;
        *at = behind;
        return OK;
    }
    size_t len = sip_text_run(from, end, SIP_TEXT_VALUE);
    out_param->value = span_make(from, len);
    *at = from + len;
    return len ? OK : ERR_SYNTAX;
}

enum err sip_param_take(const char **at, const char *end, struct sip_param *out_param)
{
    const char *next = sip_text_skip(*at, end);
    if (next == end || *next != ';')
        return ERR_NOT_FOUND;
    next = sip_text_skip(next + 1, end);
    size_t len = sip_text_run(next, end, SIP_TEXT_TOKEN);
    if (!len)
        return ERR_SYNTAX;
    *out_param = (struct sip_param){.name = span_make(next, len)};
    *at = next + len;
    const char *behind = sip_text_skip(*at, end);
    if (behind == end || *behind != '=')
        return OK;
    *at = sip_text_skip(behind + 1, end);
    out_param->has_value = true;
    return take_value(at, end, out_param);
}

enum err sip_param_next(struct span *rest, struct sip_param *out_param)
{
    const char *at = rest->at;
    const char *end = sip_text_end(*rest);
    enum err err = sip_param_take(&at, end, out_param);
    if (err == ERR_NOT_FOUND && sip_text_skip(at, end) != end)
        return ERR_SYNTAX;
    if (err == OK)
        *rest = span_make(at, (size_t)(end - at));
    return err;
}

enum err sip_param_find(struct span params, struct span name, struct sip_param *out_param)
{
    struct sip_param param;
    for (unsigned count = 0; count < SIP_PARAMS_MAX; count++) {
        enum err err = sip_param_next(&params, &param);
        if (err != OK)
            return err;
        if (param.name.len == name.len && span_equal_nocase(param.name, name)) {
            *out_param = param;
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

struct span sip_param_value(struct span params, struct span name)
{
    struct sip_param param;
    if (sip_param_find(params, name, &param) != OK || !param.has_value)
        return (struct span){NULL, 0};
    return param.value;
}

bool sip_param_has(struct span params, struct span name)
{
    struct sip_param param;
    return sip_param_find(params, name, &param) == OK;
}

enum err sip_param_check(struct span params, const char **out_at)
{
    struct sip_param param;
    for (unsigned count = 0; count <= SIP_PARAMS_MAX; count++) {
        enum err err = sip_param_next(&params, &param);
        if (err == OK)
            continue;
        if (out_at)
            *out_at = params.at;
        return err == ERR_NOT_FOUND ? OK : err;
    }
    if (out_at)
        *out_at = params.at;
    return ERR_FULL;
}
