/* SPDX-License-Identifier: Apache-2.0 */
/* The directory as a whole: verify, backup, compact.  They take their time on the connection's own thread. */
#include "admin/admin_priv.h"
#include "directory/directory_care.h"
#include "util/json.h"
#include <stddef.h>

void admin_directory_verify(struct admin_request *request)
{
    struct directory *directory = admin_directory(request);
    if (!directory)
        return;
    struct directory_verify_result result = {0};
    enum err err = directory_verify(directory, NULL, NULL, &result);
    if (err != OK && err != ERR_CORRUPT) {
        admin_fail(request, admin_status_of(err), "the directory cannot be verified: %s", err_text(err));
        return;
    }
    struct json json = json_into(&request->answer);
    json_object_begin(&json);
    json_put_bool(&json, "ok", err == OK);
    json_put_u64(&json, "records", result.records);
    json_put_u64(&json, "journal_rows", result.journal_rows);
    json_put_u64(&json, "damaged", result.damaged);
    if (result.first[0])
        json_put_text(&json, "first", result.first);
    json_object_end(&json);
}

struct backup {
    const char *path;
};

void admin_directory_backup(struct admin_request *request)
{
    static const struct admin_field fields[] = {{"path", ADMIN_FIELD_TEXT, offsetof(struct backup, path)},
                                                {NULL, ADMIN_FIELD_TEXT, 0}};
    struct backup backup = {0};
    struct fault fault = {0};
    struct json_t *tree;
    struct directory *directory = admin_directory(request);
    if (!directory || !admin_body_read(request, fields, &backup, &tree))
        return;
    if (!backup.path || backup.path[0] != '/') {
        admin_fail(request, MHD_HTTP_BAD_REQUEST, "\"path\": expected a folder, from the root (/...)");
    } else if (directory_backup(directory, backup.path, &fault) != OK) {
        admin_fail_fault(request, &fault);
    } else {
        struct json json = json_into(&request->answer);
        json_object_begin(&json);
        json_put_bool(&json, "ok", true);
        json_put_text(&json, "path", backup.path);
        json_object_end(&json);
    }
    admin_body_free(tree);
}

void admin_directory_compact(struct admin_request *request)
{
    struct fault fault = {0};
    uint64_t before = 0;
    uint64_t after = 0;
    struct directory *directory = admin_directory(request);
    if (!directory)
        return;
    if (directory_compact(directory, &before, &after, &fault) != OK) {
        admin_fail_fault(request, &fault);
        return;
    }
    struct json json = json_into(&request->answer);
    json_object_begin(&json);
    json_put_bool(&json, "ok", true);
    json_put_u64(&json, "before_bytes", before);
    json_put_u64(&json, "after_bytes", after);
    json_object_end(&json);
}
