/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the control API: two servers, begun together and ended together. */
#include "admin/admin_priv.h"
#include <stdlib.h>
#include <string.h>

struct admin {
    struct admin_server control;
    struct admin_server metrics;
    char *socket_path;
    struct admin_socket_id socket_id;
    char metrics_address[NET_ADDRESS_TEXT_MAX];
};

static enum err start_control(struct admin *admin, const char *path, struct fault *fault)
{
    char *copy = strdup(path);
    if (!copy)
        return fault_set(fault, ERR_NOMEM, NULL, 0, "out of memory");
    int fd;
    enum err err = admin_socket_unix(path, &fd, &admin->socket_id, fault);
    if (err != OK) {
        free(copy);
        return err;
    }
    admin->socket_path = copy; /* from here on the file is ours to remove */
    err = admin_server_start(&admin->control, fd);
    return err == OK ? OK : fault_set(fault, err, NULL, 0, "control socket %s: cannot start its threads", path);
}

static enum err start_metrics(struct admin *admin, const char *address, struct fault *fault)
{
    int fd;
    enum err err = admin_socket_tcp(address, &fd, admin->metrics_address, fault);
    if (err != OK)
        return err;
    err = admin_server_start(&admin->metrics, fd);
    return err == OK ? OK : fault_set(fault, err, NULL, 0, "metrics %s: cannot start its threads", address);
}

enum err admin_start(const struct admin_options *options, struct admin **out_admin, struct fault *fault)
{
    struct admin *admin = calloc(1, sizeof(*admin));
    if (!admin)
        return fault_set(fault, ERR_NOMEM, NULL, 0, "out of memory");
    admin->control.world = admin->metrics.world = options->world;
    admin->metrics.metrics_only = true;
    enum err err = OK;
    if (options->metrics)
        err = start_metrics(admin, options->metrics, fault);
    if (err == OK && options->socket_path)
        err = start_control(admin, options->socket_path, fault);
    if (err != OK) {
        admin_stop(admin);
        return err;
    }
    *out_admin = admin;
    return OK;
}

void admin_stop(struct admin *admin)
{
    if (!admin)
        return;
    admin_server_stop(&admin->control);
    admin_server_stop(&admin->metrics);
    if (admin->socket_path)
        admin_socket_remove(admin->socket_path, &admin->socket_id);
    free(admin->socket_path);
    free(admin);
}

const char *admin_metrics_address(const struct admin *admin)
{
    return admin->metrics_address;
}
