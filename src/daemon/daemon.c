/* SPDX-License-Identifier: Apache-2.0 */
/* Start and end of the process, in order: lock, directory, logs, workers, policy, ports last; and back. */
#include "daemon/daemon_priv.h"
#include "directory/directory_journal.h"
#include "facts/facts_shared.h"
#include "util/log.h"
#include "util/random.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const struct engine_config *daemon_configuration(const struct daemon *daemon)
{
    return daemon->config;
}

struct directory *daemon_directory(struct daemon *daemon)
{
    return daemon->shared.directory;
}

void daemon_metrics_render(struct daemon *daemon, struct buffer *out)
{
    metric_render(daemon->registry, out);
}

enum err daemon_ban(struct daemon *daemon, struct span address, int64_t until_ms, struct span note)
{
    return gate_ban(&daemon->gate, address, until_ms, note);
}

enum err daemon_unban(struct daemon *daemon, struct span address)
{
    return gate_unban(&daemon->gate, address);
}

void daemon_bans_json(struct daemon *daemon, struct buffer *out)
{
    struct clock now;
    clock_refresh(&now);
    gate_list(&daemon->gate, now.wall_ms, out);
}

static void wants_rebuild(void *ctx, unsigned index)
{
    struct daemon *daemon = ctx;
    atomic_fetch_or(&daemon->rebuilds, 1ull << index);
    uv_async_send(&daemon->wake);
}

/* A page of the mapped directory could not be read.  Going on would decide on garbage; the next start finds the damage
 * and answers 503. */
static void on_bus_error(int number)
{
    static const char text[] = "error store: a mapped file could not be read (SIGBUS); ending\n";
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    _exit(128 + number);
}

static enum err open_data(struct daemon *daemon, struct fault *fault)
{
    const struct engine_config *config = daemon->config;
    struct directory_options options = {.lenient = true};
    if (!config->data_dir) {
        log_info("registrar", "no data folder: bindings are kept in memory alone and end with the process");
        return OK;
    }
    enum err err = store_lock_take(config->data_dir, config->control_path, &daemon->lock, NULL, fault);
    if (err == OK)
        err = directory_open(config->data_dir, &options, &daemon->shared.directory, fault);
    if (err != OK)
        return err;
    enum directory_status status = directory_status(daemon->shared.directory);
    if (status != DIRECTORY_NEVER_MADE && status != DIRECTORY_READABLE)
        log_error("directory", "%s: policies that ask it are answered 503", directory_status_text(status));
    daemon_bindings_open(daemon);
    return OK;
}

static enum err make_metrics(struct daemon *daemon)
{
    static const char *const names[][2] = {
        {"verdict_policy_version", "The policy version that decides."},
        {"verdict_reload_failures", "Reloads that left the old version in place."},
        {"verdict_decision_log_dropped", "Decision records dropped because the log's sink stood still."},
    };
    enum err err = metric_registry_new(daemon->config->workers, &daemon->registry);
    if (err == OK)
        err = engine_meters_init(&daemon->meters, daemon->registry);
    if (err == OK)
        err = daemon_gauges_init(&daemon->gauges, daemon->registry);
    if (err == OK)
        err = daemon_bindings_add_metrics(daemon);
    for (int i = 0; i < 3 && err == OK; i++)
        err = metric_add(daemon->registry, METRIC_GAUGE, names[i][0], "", names[i][1], &daemon->up_metrics[i]);
    return err == OK ? daemon_trial_init(daemon) : err;
}

static enum err make_parts(struct daemon *daemon, struct fault *fault)
{
    const struct engine_config *config = daemon->config;
    enum err err = make_metrics(daemon);
    if (err == OK)
        err = random_system(&daemon->shared.key, sizeof(daemon->shared.key));
    if (err == OK)
        err = engine_core_auth_new(config, &daemon->shared.key, &daemon->shared.auth);
    if (err == OK)
        err = engine_core_users_new(config, &daemon->shared.users);
    if (err == OK)
        err = vm_watchdog_new(&daemon->watchdog);
    if (err == OK)
        err = facts_shared_registry_new(&daemon->shared_tables);
    if (err == OK)
        err = facts_gauge_new(config->max_calls, config->max_calls_per_user, &daemon->shared.calls);
    if (err != OK)
        return fault_set(fault, err, "", 0, "cannot start: %s", err_text(err));
    if (config->decisions != DECISIONS_OFF)
        err = decisions_log_new(&(struct decisions_options){config->decisions, config->decisions_sample,
                                                            config->decisions_file, config->decisions_max_bytes,
                                                            config->decisions_keep},
                                config->workers, &daemon->shared.decisions, fault);
    if (err == OK)
        err = engine_site_init(&daemon->site, config, fault);
    if (err == OK)
        err = daemon_gruus_open(daemon);
    const struct gate_options gate = {config->source_rate, config->source_burst, daemon->site.trusted,
                                      daemon->site.trusted_count};
    if (err == OK && (err = gate_init(&daemon->gate, &gate)) == OK)
        daemon->has_gate = true;
    daemon->shared.gate = &daemon->gate;
    daemon->shared.watchdog = daemon->watchdog;
    daemon->shared.config = config;
    daemon->shared.site = &daemon->site;
    daemon->shared.steering = (struct daemon_steering){&daemon->site, daemon->shared.key};
    daemon->shared.meters = &daemon->meters;
    daemon->shared.gauges = &daemon->gauges;
    daemon->shared.wants_rebuild = wants_rebuild;
    daemon->shared.ctx = daemon;
    return err;
}

static void on_worker_turn(struct worker *worker, void *arg)
{
    (void)worker;
    (void)arg;
}

/* On the store's thread.  A worker that has nothing to do would hold the old generation of the directory until its next
 * message; one empty turn makes it let go. */
static void on_directory_changed(void *ctx)
{
    struct daemon *daemon = ctx;
    for (unsigned i = 0; i < worker_group_count(daemon->group); i++)
        if (worker_run(daemon->group, i, on_worker_turn, NULL) != OK)
            continue; /* it is busy, or going: a turn of its own comes */
    retirement_wake(daemon->retirement);
}

static enum err start_workers(struct daemon *daemon, struct fault *fault)
{
    struct worker_group_options options = {
        .count = daemon->config->workers, .name = "worker", .ops = daemon_worker_ops(&daemon->shared)};
    enum err err = worker_group_new(&options, &daemon->group, fault);
    if (err == OK)
        err = daemon_retirement_start(daemon);
    if (err == OK && daemon->shared.directory)
        directory_on_change(daemon->shared.directory, on_directory_changed, daemon);
    if (err == OK)
        err = daemon_release_init(daemon, fault);
    return err == OK ? daemon_release_start(daemon, fault) : err;
}

struct open_order {
    struct daemon *daemon;
    atomic_int err;
};

static void on_worker_open(struct worker *worker, void *arg)
{
    struct open_order *order = arg;
    enum err err = daemon_worker_open(worker_data(worker), order->daemon->listeners);
    if (err != OK)
        atomic_store(&order->err, (int)err);
}

enum err daemon_reload_certificates(struct daemon *daemon, struct fault *fault)
{
    return daemon_tls_reload(&daemon->tls, fault);
}

static enum err bind_ports(struct daemon *daemon, struct fault *fault)
{
    const struct engine_config *config = daemon->config;
    struct net_listen_spec specs[ENGINE_LIST_MAX];
    for (unsigned i = 0; i < config->listen.count; i++) {
        enum err err = net_listen_spec_parse(span_of(config->listen.items[i]), &specs[i], fault);
        if (err != OK)
            return err;
    }
    struct net_passed passed;
    enum err err = net_passed_from_environment(&passed, fault);
    if (err != OK)
        return err;
    struct net_bind_options options = {.worker_count = config->workers, .passed = &passed};
    return net_bind(specs, config->listen.count, &options, &daemon->listeners, fault);
}

static enum err add_own(struct daemon *daemon, const struct net_listener *listener)
{
    struct net_listen_spec spec;
    enum err err = net_listen_spec_parse(span_of(daemon->config->listen.items[listener->spec]), &spec, NULL);
    return err == OK ? engine_site_add_own(&daemon->site, &listener->address, spec.advertise) : err;
}

static enum err open_ports(struct daemon *daemon, struct fault *fault)
{
    enum err err = bind_ports(daemon, fault);
    if (err != OK)
        return err;
    for (unsigned i = 0; i < net_listeners_count(daemon->listeners); i++)
        if ((err = add_own(daemon, net_listeners_at(daemon->listeners, i))) != OK)
            return fault_set(fault, err, "", 0, "more than %d addresses to listen on", ENGINE_ADDRESSES_MAX);
    if ((err = daemon_tls_listeners(&daemon->tls, daemon->listeners, fault)) != OK)
        return err;
    struct open_order order = {.daemon = daemon};
    err = worker_run_wait_all(daemon->group, on_worker_open, &order);
    if (err == OK)
        err = (enum err)atomic_load(&order.err);
    return err == OK ? OK : fault_set(fault, err, "", 0, "cannot receive: %s", err_text(err));
}

void daemon_tell_ready(struct daemon *daemon)
{
    char status[128];
    (void)snprintf(status, sizeof(status), "%u workers, policy version %llu%s", daemon->config->workers,
                   (unsigned long long)release_active(daemon->release), daemon->draining ? ", draining" : "");
    daemon_notify_ready(&daemon->notify, status);
}

static void say_hello(const struct daemon *daemon)
{
    char text[NET_ADDRESS_TEXT_MAX];
    static const char *const transports[] = {"udp", "tcp", "tls", "ws", "wss"};
    for (unsigned i = 0; i < net_listeners_count(daemon->listeners); i++) {
        const struct net_listener *listener = net_listeners_at(daemon->listeners, i);
        net_address_text(&listener->address, text);
        if (listener->transport == NET_UDP)
            log_info("daemon", "listening udp:%s receive_buffer=%d", text, listener->receive_buffer);
        else
            log_info("daemon", "listening %s:%s", transports[listener->transport], text);
    }
    log_info("daemon", "ready: %u workers, policy version %llu, pid %ld", daemon->config->workers,
             (unsigned long long)release_active(daemon->release), (long)getpid());
}

/* Connections must not take the descriptors that files, sockets and the control API need. */
static void fit_connections(struct daemon *daemon, uint64_t descriptors)
{
    const struct engine_config *config = daemon->config;
    uint64_t spare = descriptors / 2 < 128 ? descriptors / 2 : 128;
    uint64_t fair = (descriptors - spare) / config->workers;
    daemon->shared.connections_max = config->max_connections;
    if (fair >= config->max_connections)
        return;
    daemon->shared.connections_max = fair ? (unsigned)fair : 1;
    log_warn("daemon", "%llu descriptors allow %u connections a worker, not the %u of max_connections",
             (unsigned long long)descriptors, daemon->shared.connections_max, config->max_connections);
}

static enum err start(struct daemon *daemon, struct fault *fault)
{
    log_set_level(daemon->config->log_level);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its size limit is an error of that write, not the end of the daemon */
    signal(SIGBUS, on_bus_error);
    fit_connections(daemon, net_raise_descriptor_limit());
    enum err err = open_data(daemon, fault);
    if (err == OK)
        err = make_parts(daemon, fault);
    if (err == OK)
        err = daemon_tls_init(&daemon->tls, daemon->config, fault);
    daemon->shared.tls = &daemon->tls;
    if (err == OK)
        err = start_workers(daemon, fault);
    if (err == OK)
        err = open_ports(daemon, fault);
    if (err == OK && daemon->hooks && daemon->hooks->start) {
        err = daemon->hooks->start(daemon->hooks->ctx, daemon, fault);
        daemon->hooked = err == OK;
    }
    return err;
}

static void finish(struct daemon *daemon)
{
    daemon_control_close(daemon);
    directory_warm_stop(&daemon->warm);
    if (daemon->hooked && daemon->hooks->stop)
        daemon->hooks->stop(daemon->hooks->ctx);
    daemon_watch_stop(daemon);
    daemon_tls_unwatch(&daemon->tls);
    /* The versions are withdrawn from living workers; nothing decides any more once their ports are closed. */
    if (daemon->shared.directory)
        directory_on_change(daemon->shared.directory, NULL, NULL);
    if (daemon->group) {
        daemon_retirement_stop(daemon);
        release_free(daemon->release);
        daemon_bindings_close(daemon);
        worker_group_free(daemon->group);
    }
    net_listeners_free(daemon->listeners);
    daemon_tls_done(&daemon->tls);
    decisions_log_free(daemon->shared.decisions);
    facts_shared_registry_free(daemon->shared_tables);
    facts_gauge_free(daemon->shared.calls);
    registrar_gruus_free(daemon->site.gruus);
    vm_watchdog_free(daemon->watchdog);
    if (daemon->has_gate)
        gate_done(&daemon->gate);
    auth_free(daemon->shared.auth);
    facts_limit_free(daemon->shared.users);
    metric_registry_free(daemon->registry);
    registrar_journal_close(daemon->shared.journal); /* open only where no worker ever ran */
    directory_close(daemon->shared.directory);
    store_lock_release(daemon->lock);
}

int daemon_run(const struct engine_config *config, const struct daemon_hooks *hooks)
{
    struct fault fault = {0};
    char text[FAULT_FILE_MAX + FAULT_TEXT_MAX + 16];
    struct daemon *daemon = calloc(1, sizeof(*daemon));
    if (!daemon || daemon_control_init(daemon) != OK) {
        log_error("daemon", "out of memory");
        free(daemon);
        return 1;
    }
    daemon->config = config;
    daemon->hooks = hooks;
    daemon->started_ms = (uint64_t)clock_wall_ms();
    daemon_notify_init(&daemon->notify);
    enum err err = daemon_loop_init(daemon);
    if (err == OK) {
        err = start(daemon, &fault);
        if (err == OK) {
            daemon->phase = DAEMON_RUNNING;
            daemon_watch_start(daemon);
            daemon_tls_watch(&daemon->tls, &daemon->loop);
            say_hello(daemon);
            daemon_tell_ready(daemon);
            directory_warm_start(&daemon->warm, daemon->shared.directory);
            daemon_loop_run(daemon);
        } else {
            fault_format(&fault, text, sizeof(text));
            log_error("daemon", "%s", text);
        }
        finish(daemon);
        daemon_loop_done(daemon);
    }
    daemon_control_done(daemon);
    daemon_notify_done(&daemon->notify);
    free(daemon);
    return err == OK ? 0 : 1;
}
