/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of bindings: opened before the workers, closed while they live; what it has written goes back to them.  And
 * `verdict bindings`: each worker writes down what it has. */
#include "daemon/daemon_priv.h"
#include "sip/sip_address.h"
#include "store/store_file.h"
#include "util/json.h"
#include "util/log.h"
#include "util/random.h"
#include <stdlib.h>
#include <time.h>

static void on_worker_written(struct worker *worker, void *arg)
{
    struct daemon_worker *self = worker_data(worker);
    registrar_batch_done(self->core->registrar, arg);
}

/* On the store thread. */
static void on_written(void *ctx, unsigned worker, struct registrar_batch *batch)
{
    const struct daemon *daemon = ctx;
    metric_observe(daemon->journal_metrics[2], 0, (double)registrar_batch_us(batch) / 1e6);
    /* Full: that many others want something of the worker, which is at work on it. */
    while (worker_run(daemon->group, worker, on_worker_written, batch) == ERR_FULL)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

enum err daemon_bindings_add_metrics(struct daemon *daemon)
{
    static const double bounds[] = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5};
    struct metric **metrics = daemon->journal_metrics;
    enum err err = metric_add(daemon->registry, METRIC_GAUGE, "verdict_bindings_journal_rows", "",
                              "Rows of the journal of bindings.", &metrics[0]);
    if (err == OK)
        err = metric_add(daemon->registry, METRIC_GAUGE, "verdict_bindings_journal_bytes", "",
                         "Its size, free pages in between included.", &metrics[1]);
    if (err == OK)
        err = metric_add_histogram(daemon->registry, "verdict_bindings_commit_seconds", "",
                                   "From the handing over of a batch of changes to the disk's word.", bounds,
                                   sizeof(bounds) / sizeof(bounds[0]), &metrics[2]);
    return err;
}

void daemon_bindings_publish(struct daemon *daemon)
{
    struct registrar_journal_stat stat;
    if (!daemon->shared.journal || registrar_journal_stat(daemon->shared.journal, &stat) != OK)
        return;
    metric_set(daemon->journal_metrics[0], 0, (int64_t)stat.rows);
    metric_set(daemon->journal_metrics[1], 0, (int64_t)stat.used_bytes);
}

/* By DATA/gruu.key a temporary GRUU outlives the process; it is made at the first start. */
static enum err take_secret(const char *folder, unsigned char secret[REGISTRAR_SECRET_LEN])
{
    char path[STORE_PATH_MAX], text[REGISTRAR_SECRET_LEN + 2];
    size_t len;
    enum err err = store_path(path, folder, "gruu.key");
    if (err != OK)
        return err;
    err = store_file_read(path, text, sizeof(text), &len);
    if (err == OK && len != REGISTRAR_SECRET_LEN)
        return ERR_CORRUPT;
    if (err == OK)
        memcpy(secret, text, REGISTRAR_SECRET_LEN);
    return err == ERR_NOT_FOUND ? store_file_replace(path, span_make((const char *)secret, REGISTRAR_SECRET_LEN)) : err;
}

enum err daemon_gruus_open(struct daemon *daemon)
{
    const char *folder = daemon->config->data_dir;
    unsigned char secret[REGISTRAR_SECRET_LEN];
    enum err err = random_system(secret, sizeof(secret));
    if (err != OK)
        return err;
    err = folder ? take_secret(folder, secret) : OK;
    if (err != OK)
        log_error("registrar",
                  "%s/gruu.key: %s: temporary GRUUs end with this process (move the file away to have a new one made)",
                  folder, err_text(err));
    err = registrar_gruus_new(secret, &daemon->site.gruus);
    if (err == ERR_UNSUPPORTED)
        log_error("registrar", "OpenSSL has no AES-128-SIV: no GRUUs are given out");
    return err == ERR_UNSUPPORTED ? OK : err;
}

void daemon_bindings_open(struct daemon *daemon)
{
    const struct engine_config *config = daemon->config;
    struct registrar_journal_options options = {.workers = config->workers, .written = on_written, .ctx = daemon};
    char path[STORE_PATH_MAX], text[FAULT_FILE_MAX + FAULT_TEXT_MAX + 16];
    struct fault fault = {0};
    enum err err = store_path(path, config->data_dir, "bindings");
    if (err == OK)
        err = registrar_journal_open(path, &options, &daemon->shared.journal, &fault);
    if (err == OK)
        return;
    fault_format(&fault, text, sizeof(text));
    daemon->shared.bindings_unreadable = true;
    log_error("registrar", "%s: every REGISTER is answered 503 (move the folder away to begin without bindings)", text);
}

static void on_worker_stop(struct worker *worker, void *arg)
{
    (void)arg;
    struct daemon_worker *self = worker_data(worker);
    registrar_stop(self->core->registrar);
}

static void on_worker_turn(struct worker *worker, void *arg)
{
    (void)worker;
    (void)arg;
}

void daemon_bindings_close(struct daemon *daemon)
{
    struct registrar_journal *journal = daemon->shared.journal;
    if (!journal || worker_run_wait_all(daemon->group, on_worker_stop, NULL) != OK)
        return;
    daemon->shared.journal = NULL;
    registrar_journal_close(journal);
    /* What came back before the end is answered in this turn. */
    if (worker_run_wait_all(daemon->group, on_worker_turn, NULL) != OK)
        return;
}

/* ---- verdict bindings ---- */

enum { BINDINGS_BYTES_MAX = 8 << 20 };

/* One worker's part. */
struct part {
    const struct registrar_name *name; /* NULL: all users */
    size_t limit, shown;
    struct registrar_census census;
    struct buffer rows; /* objects with commas between them */
};

/* Of whom nothing of it is known, nothing is said. */
static void put_outbound(struct json *json, const struct registrar_view *view)
{
    if (view->instance.len)
        json_put_span(json, "instance", view->instance);
    if (view->gruu.len)
        json_put_span(json, "gruu", view->gruu);
    if (!view->reg_id)
        return;
    json_put_u64(json, "reg_id", view->reg_id);
    json_key(json, "flow");
    json_object_begin(json);
    if (view->has_flow) {
        json_put_text(json, "transport", net_transport_name(view->transport));
        json_put_text(json, "state", view->transport == NET_UDP ? "datagrams" : view->is_flow_open ? "open" : "closed");
        if (view->transport != NET_UDP)
            json_put_u64(json, "worker", view->worker);
    } else {
        json_put_text(json, "state", view->path.len ? "its edge's" : "unknown"); /* unknown: of another process */
    }
    json_object_end(json);
}

static bool put_binding(void *ctx, const struct registrar_view *view)
{
    struct part *part = ctx;
    size_t before = part->rows.len;
    if (part->shown == part->limit)
        return false;
    if (before)
        buffer_add_byte(&part->rows, ',');
    struct json json = json_into(&part->rows);
    json_object_begin(&json);
    json_put_span(&json, "aor", view->aor);
    json_put_span(&json, "contact", view->uri);
    json_put_span(&json, "params", view->params);
    json_put_span(&json, "path", view->path);
    json_put_u64(&json, "expires_s", view->expires_s);
    json_put_span(&json, "call_id", view->call_id);
    json_put_u64(&json, "cseq", view->cseq);
    put_outbound(&json, view);
    json_object_end(&json);
    if (part->rows.overflow) {
        part->rows.len = before;
        return false;
    }
    part->shown++;
    return true;
}

static void on_worker_bindings(struct worker *worker, void *arg)
{
    struct part *part = &((struct part *)arg)[worker_index(worker)];
    const struct daemon_worker *self = worker_data(worker);
    registrar_census(self->core->registrar, &part->census);
    registrar_see(self->core->registrar, part->name, put_binding, part);
}

static void put_journal(struct registrar_journal *journal, struct json *json)
{
    struct registrar_journal_stat stat;
    if (!journal || registrar_journal_stat(journal, &stat) != OK)
        return;
    json_key(json, "journal");
    json_object_begin(json);
    json_put_u64(json, "rows", stat.rows);
    json_put_u64(json, "bytes", stat.used_bytes);
    json_put_u64(json, "commits", stat.commits);
    json_put_u64(json, "failures", stat.failures);
    json_put_u64(json, "commit_us", stat.commit_us_last);
    json_put_u64(json, "commit_us_max", stat.commit_us_max);
    json_object_end(json);
}

static void put_parts(const struct daemon *daemon, const struct part *parts, unsigned workers, struct buffer *out)
{
    size_t total = 0, users = 0, shown = 0;
    for (unsigned i = 0; i < workers; i++) {
        total += parts[i].census.bindings;
        users += parts[i].census.users;
        shown += parts[i].shown;
    }
    struct json json = json_into(out);
    json_object_begin(&json);
    json_put_u64(&json, "total", total);
    json_put_u64(&json, "users", users);
    json_put_u64(&json, "shown", shown);
    json_put_bool(&json, "readable", !daemon->shared.bindings_unreadable);
    put_journal(daemon->shared.journal, &json);
    buffer_add_literal(out, ",\"bindings\":[");
    bool any = false;
    for (unsigned i = 0; i < workers; i++) {
        if (any && parts[i].rows.len)
            buffer_add_byte(out, ',');
        any = any || parts[i].rows.len;
        buffer_add_span(out, buffer_span(&parts[i].rows));
    }
    buffer_add_byte(out, ']');
    json_object_end(&json);
}

enum err daemon_bindings_json(struct daemon *daemon, struct span aor, size_t limit, struct buffer *out)
{
    struct sip_uri uri;
    struct engine_target target;
    struct registrar_name name;
    if (aor.len) {
        if (sip_uri_parse(aor, &uri, NULL) != OK || engine_site_target_of(&daemon->site, &uri, &target) != OK)
            return ERR_INVALID;
        name = (struct registrar_name){target.aor, target.owner_key};
    }
    unsigned workers = worker_group_count(daemon->group);
    struct part *parts = calloc(workers, sizeof(*parts));
    if (!parts)
        return ERR_NOMEM;
    for (unsigned i = 0; i < workers; i++)
        parts[i] = (struct part){
            .name = aor.len ? &name : NULL, .limit = limit, .rows = buffer_heap(BINDINGS_BYTES_MAX / workers)};
    enum err err = worker_run_wait_all(daemon->group, on_worker_bindings, parts);
    if (err == OK)
        put_parts(daemon, parts, workers, out);
    for (unsigned i = 0; i < workers; i++)
        buffer_done(&parts[i].rows);
    free(parts);
    return err;
}
