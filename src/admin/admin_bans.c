/* SPDX-License-Identifier: Apache-2.0 */
/* Sources that are not heard for a time. */
#include "admin/admin_priv.h"
#include "util/clock.h"

enum { SECONDS_DEFAULT = 600, SECONDS_MAX = 366 * 86400 };

struct ban {
    const char *address;
    const char *note;
    int64_t seconds;
};

static const struct admin_field fields[] = {
    {"address", ADMIN_FIELD_TEXT, offsetof(struct ban, address)},
    {"note", ADMIN_FIELD_TEXT, offsetof(struct ban, note)},
    {"seconds", ADMIN_FIELD_NUMBER, offsetof(struct ban, seconds)},
    {NULL, ADMIN_FIELD_TEXT, 0},
};

void admin_get_bans(struct admin_request *request)
{
    request->world->bans(request->world->ctx, &request->answer);
}

static void answer(struct admin_request *request, const struct ban *ban, enum err err)
{
    if (err == OK)
        admin_get_bans(request);
    else if (err == ERR_FULL)
        admin_fail(request, MHD_HTTP_CONFLICT, "there are as many bans as there can be; remove one, or ban a block");
    else if (err == ERR_NOT_FOUND)
        admin_fail(request, MHD_HTTP_NOT_FOUND, "\"%.64s\" is not banned", ban->address);
    else
        admin_fail(request, MHD_HTTP_BAD_REQUEST,
                   "address: expected an address or a block such as \"192.0.2.0/24\" that holds no trusted one, got "
                   "\"%.64s\"",
                   ban->address);
}

/* False: it has been answered. */
static bool read_ban(struct admin_request *request, struct ban *out_ban, struct json_t **out_tree)
{
    if (!admin_body_read(request, fields, out_ban, out_tree))
        return false;
    if (out_ban->address && out_ban->seconds >= 1 && out_ban->seconds <= SECONDS_MAX)
        return true;
    if (out_ban->address)
        admin_fail(request, MHD_HTTP_BAD_REQUEST, "seconds: expected a whole number from 1 to %d", SECONDS_MAX);
    else
        admin_fail(request, MHD_HTTP_BAD_REQUEST, "\"address\" is missing: who is it about?");
    admin_body_free(*out_tree);
    return false;
}

void admin_post_ban(struct admin_request *request)
{
    struct ban ban = {.seconds = SECONDS_DEFAULT, .note = ""};
    struct json_t *tree;
    struct clock now;
    if (!read_ban(request, &ban, &tree))
        return;
    clock_refresh(&now);
    answer(request, &ban,
           request->world->ban(request->world->ctx, span_of(ban.address), now.wall_ms + ban.seconds * 1000,
                               span_of(ban.note)));
    admin_body_free(tree);
}

void admin_post_unban(struct admin_request *request)
{
    struct ban ban = {.seconds = SECONDS_DEFAULT};
    struct json_t *tree;
    if (!read_ban(request, &ban, &tree))
        return;
    answer(request, &ban, request->world->unban(request->world->ctx, span_of(ban.address)));
    admin_body_free(tree);
}
