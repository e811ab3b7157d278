/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as JSON with a fitting status, and the query of a request. */
#include "admin/admin_priv.h"
#include "util/json.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

unsigned admin_status_of(enum err err)
{
    switch (err) {
    case OK:
        return MHD_HTTP_OK;
    case ERR_SYNTAX:
    case ERR_INVALID:
    case ERR_TOO_LONG:
    case ERR_UNSUPPORTED:
        return MHD_HTTP_BAD_REQUEST;
    case ERR_NOT_FOUND:
        return MHD_HTTP_NOT_FOUND;
    case ERR_EXISTS:
    case ERR_BUSY:
    case ERR_AGAIN:
    case ERR_DENIED:
    case ERR_CONFLICT:
        return MHD_HTTP_CONFLICT;
    case ERR_SCRIPT:
    case ERR_KILLED:
        return MHD_HTTP_UNPROCESSABLE_CONTENT;
    case ERR_CLOSED:
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    default:
        return MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
}

static void answer_fault(struct admin_request *request, unsigned status, const struct fault *fault)
{
    request->status = status;
    buffer_clear(&request->answer);
    struct json json = json_into(&request->answer);
    json_object_begin(&json);
    json_key(&json, "error");
    json_object_begin(&json);
    json_put_text(&json, "text", fault->text[0] ? fault->text : err_text(fault->err));
    if (fault->file[0])
        json_put_text(&json, "file", fault->file);
    if (fault->line > 0)
        json_put_i64(&json, "line", fault->line);
    json_object_end(&json);
    json_object_end(&json);
}

void admin_fail(struct admin_request *request, unsigned status, const char *format, ...)
{
    struct fault fault = {.err = ERR_INVALID};
    va_list args;
    va_start(args, format);
    vsnprintf(fault.text, sizeof(fault.text), format, args);
    va_end(args);
    answer_fault(request, status, &fault);
}

void admin_fail_fault(struct admin_request *request, const struct fault *fault)
{
    answer_fault(request, admin_status_of(fault->err), fault);
}

const char *admin_query(const struct admin_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

bool admin_query_flag(const struct admin_request *request, const char *name)
{
    const char *value = NULL;
    size_t len = 0;
    if (MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, name, strlen(name), &value, &len) ==
        MHD_NO)
        return false;
    return !value || (strcmp(value, "0") != 0 && strcmp(value, "false") != 0);
}
