/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon_tls.h"

#include "engine/engine_listen.h"
#include "util/log.h"
#include <stdlib.h>
#include <string.h>

static void add_file(struct daemon_tls *self, const char *path)
{
    for (unsigned i = 0; i < self->file_count; i++)
        if (strcmp(self->files[i], path) == 0)
            return;
    if (self->file_count < DAEMON_TLS_FILES_MAX)
        self->files[self->file_count++] = path;
}

static void add_files(struct daemon_tls *self)
{
    const struct engine_config *config = self->config;
    for (unsigned i = 0; i < config->certificates.count; i++)
        add_file(self, config->certificates.items[i]);
    for (unsigned i = 0; i < config->keys.count; i++)
        add_file(self, config->keys.items[i]);
    if (config->client_ca)
        add_file(self, config->client_ca);
    if (config->client_crl)
        add_file(self, config->client_crl);
    if (config->server_ca)
        add_file(self, config->server_ca);
}

static enum err load(struct daemon_tls *self, struct fault *fault)
{
    const struct engine_config *config = self->config;
    struct tls_files files = {.certificates = config->certificates.items,
                              .keys = config->keys.count ? config->keys.items : config->certificates.items,
                              .count = config->certificates.count,
                              .client_ca = config->client_ca,
                              .client_crl = config->client_crl,
                              .server_ca = config->server_ca};
    char notes[TLS_NOTES_MAX];
    enum err err = tls_load(self->tls, &files, notes, fault);
    if (err == OK && notes[0])
        log_warn("tls", "%s", notes);
    return err;
}

enum err daemon_tls_init(struct daemon_tls *self, const struct engine_config *config, struct fault *fault)
{
    *self = (struct daemon_tls){.config = config};
    if (!config->certificates.count && !config->egress.count)
        return OK;
    add_files(self);
    enum err err = tls_new(&self->tls);
    if (err == OK)
        err = tls_aliases_new(self->tls, &self->aliases);
    return err == OK ? load(self, fault) : fault_set(fault, err, "", 0, "TLS: %s", err_text(err));
}

static enum tls_clients clients_of(const struct engine_config *config, unsigned spec_index)
{
    struct net_listen_spec spec;
    enum tls_clients clients = TLS_CLIENTS_NONE;
    if (net_listen_spec_parse(span_of(config->listen.items[spec_index]), &spec, NULL) == OK)
        (void)!tls_clients_parse(engine_listen_clients(config, &spec), &clients); /* checked with the configuration */
    return clients;
}

enum err daemon_tls_listeners(struct daemon_tls *self, const struct net_listeners *listeners, struct fault *fault)
{
    self->listener_count = net_listeners_count(listeners);
    self->clients = calloc(self->listener_count + 1, sizeof(*self->clients));
    if (!self->clients)
        return fault_set(fault, ERR_NOMEM, "", 0, "out of memory");
    for (unsigned i = 0; i < self->listener_count; i++)
        self->clients[i] = clients_of(self->config, net_listeners_at(listeners, i)->spec);
    return OK;
}

void daemon_tls_done(struct daemon_tls *self)
{
    tls_aliases_free(self->aliases);
    tls_free(self->tls);
    free(self->clients);
    self->aliases = NULL;
    self->tls = NULL;
    self->clients = NULL;
}

enum err daemon_tls_reload(struct daemon_tls *self, struct fault *fault)
{
    struct fault found = {0};
    char text[FAULT_FILE_MAX + FAULT_TEXT_MAX + 16];
    enum err err =
        self->tls ? load(self, &found) : fault_set(&found, ERR_NOT_FOUND, "", 0, "no certificates are configured");
    if (err == OK) {
        log_info("tls", "certificates loaded: %u, load %llu", self->config->certificates.count,
                 (unsigned long long)tls_generation(self->tls));
        return OK;
    }
    fault_format(&found, text, sizeof(text));
    log_error("tls", "certificates not loaded, the ones before stay: %s", text);
    if (fault)
        *fault = found;
    return err;
}

/* ---- The watch ---- */

static uint64_t fingerprint(const struct daemon_tls *self)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < self->file_count; i++)
        sum = sum * 31 + release_fingerprint(self->files[i]);
    return sum;
}

static void reload_from_watch(struct daemon_tls *self, uint64_t now_ms)
{
    (void)!daemon_tls_reload(self, NULL);
    (void)release_watch_loaded(&self->watched, fingerprint(self), now_ms);
}

/* All files share one debounce: a certificate and its key are saved one after the other. */
static uint64_t on_watch(void *ctx, enum worker_watch_reason reason)
{
    struct daemon_tls *self = ctx;
    uint64_t now_ms = uv_now(self->loop);
    if (reason == WORKER_WATCH_TOUCHED)
        release_watch_touched(&self->watched, now_ms);
    else if (reason == WORKER_WATCH_BLIND || reason == WORKER_WATCH_SIGHTED)
        release_watch_set_blind(&self->watched, reason == WORKER_WATCH_BLIND, now_ms);
    else if (release_watch_due_ms(&self->watched) <= now_ms &&
             release_watch_look(&self->watched, fingerprint(self), now_ms))
        reload_from_watch(self, now_ms);
    uint64_t due = release_watch_due_ms(&self->watched);
    return due > now_ms ? due - now_ms : 1;
}

void daemon_tls_watch(struct daemon_tls *self, uv_loop_t *loop)
{
    self->loop = loop;
    release_watch_init(&self->watched, fingerprint(self), uv_now(loop));
    for (unsigned i = 0; self->tls && i < self->file_count; i++)
        if (worker_watch_new(loop, self->files[i], on_watch, self, &self->watches[i]) != OK)
            log_warn("tls", "%s is not watched: `verdict reload --certificates` loads it again", self->files[i]);
}

void daemon_tls_unwatch(struct daemon_tls *self)
{
    for (unsigned i = 0; i < self->file_count; i++)
        worker_watch_close(self->watches[i]);
    self->file_count = 0;
}
