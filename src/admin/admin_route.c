/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of endpoints (README.md explains them). */
#include "admin/admin_priv.h"
#include <string.h>

static const struct admin_route routes[] = {
    {"POST", "/v1/reload", admin_post_reload, false},
    {"POST", "/v1/reload/certificates", admin_post_certificates, false},
    {"POST", "/v1/rollback", admin_post_rollback, false},
    {"GET", "/v1/shadow", admin_get_shadow, false},
    {"POST", "/v1/shadow/cancel", admin_post_shadow_cancel, false},
    {"GET", "/v1/probation", admin_get_probation, false},
    {"GET", "/v1/versions", admin_get_versions, false},
    {"GET", "/v1/status", admin_get_status, false},
    {"POST", "/v1/drain", admin_post_drain, false},
    {"GET", "/v1/calls", admin_get_calls, false},
    {"GET", "/v1/calls/show", admin_get_call, false},
    {"GET", "/v1/subscriptions", admin_get_subscriptions, false},
    {"GET", "/v1/peers", admin_get_peers, false},
    {"GET", "/v1/bans", admin_get_bans, false},
    {"POST", "/v1/bans/add", admin_post_ban, false},
    {"POST", "/v1/bans/remove", admin_post_unban, false},
    {"GET", "/v1/bindings", admin_get_bindings, false},
    {"GET", "/metrics", admin_get_metrics, false},
    {"POST", "/v1/directory/add", admin_directory_add, false},
    {"POST", "/v1/directory/retire", admin_directory_retire, false},
    {"POST", "/v1/directory/move", admin_directory_move, false},
    {"POST", "/v1/directory/suspend", admin_directory_suspend, false},
    {"POST", "/v1/directory/restore", admin_directory_restore, false},
    {"POST", "/v1/directory/remove", admin_directory_remove, false},
    {"POST", "/v1/directory/passwd", admin_directory_passwd, false},
    {"GET", "/v1/directory/show", admin_directory_show, false},
    {"GET", "/v1/directory/history", admin_directory_history, false},
    {"GET", "/v1/directory/export", admin_directory_export, false},
    {"POST", "/v1/directory/import", admin_directory_import, true},
    {"POST", "/v1/directory/verify", admin_directory_verify, false},
    {"POST", "/v1/directory/backup", admin_directory_backup, false},
    {"POST", "/v1/directory/compact", admin_directory_compact, false},
};

const struct admin_route *admin_route_find(const char *method, const char *path, const char **out_allow)
{
    *out_allow = NULL;
    for (size_t index = 0; index < sizeof(routes) / sizeof(routes[0]); index++) {
        if (strcmp(routes[index].path, path) != 0)
            continue;
        if (strcmp(routes[index].method, method) == 0)
            return &routes[index];
        *out_allow = routes[index].method;
    }
    return NULL;
}
