/* SPDX-License-Identifier: Apache-2.0 */
/* verdict run: reads the configuration, lets flags override it, hangs the control API on the engine and runs it. */
#include "admin/admin.h"
#include "cli/cli_main.h"
#include "daemon/daemon.h"

#include <string.h>

struct run_values {
    const char *config;
    struct cli_list listen;
    struct cli_list certificates;
    struct cli_list keys;
    const char *client_ca;
    const char *client_crl;
    struct cli_list domains;
    const char *advertise;
    const char *data;
    const char *control;
    const char *metrics;
    const char *log_level;
    const char *workers;
    const char *t1_ms;
    struct cli_list settings;
};

static const struct cli_option options[] = {
    {"config", "FILE", "a Lua file that returns a table of settings; flags override it", CLI_TEXT,
     offsetof(struct run_values, config), 0, 0},
    {"listen", "TRANSPORT:ADDR:PORT", "udp:127.0.0.1:5060, tls:[::1]:5061,advertise=HOST; port 0: any", CLI_LIST,
     offsetof(struct run_values, listen), 0, 0},
    {"certificate", "PEM", "of TLS, with its chain; several are told apart by their names", CLI_LIST,
     offsetof(struct run_values, certificates), 0, 0},
    {"key", "PEM", "of the certificate of the same place; default: in the certificate's file", CLI_LIST,
     offsetof(struct run_values, keys), 0, 0},
    {"client-crl", "PEM", "which of these are revoked", CLI_TEXT, offsetof(struct run_values, client_crl), 0, 0},
    {"client-ca", "PEM", "whose certificates clients may bring", CLI_TEXT, offsetof(struct run_values, client_ca), 0,
     0},
    {"domain", "HOST", "a host that is ours; the first is the default domain", CLI_LIST,
     offsetof(struct run_values, domains), 0, 0},
    {"advertise", "HOST", "host for Contact and SDP where the bound address will not do", CLI_TEXT,
     offsetof(struct run_values, advertise), 0, 0},
    {"data", "DIR", "data folder: directory, last good policy, lock, control socket", CLI_TEXT,
     offsetof(struct run_values, data), 0, 0},
    {"control", "SOCKET", "unix socket of the control API; default DIR/control.sock", CLI_TEXT,
     offsetof(struct run_values, control), 0, 0},
    {"workers", "N", "worker threads; default one a core", CLI_TEXT, offsetof(struct run_values, workers), 0, 0},
    {"t1-ms", "N", "T1 of RFC 3261 in milliseconds; T2 and T4 follow it", CLI_TEXT, offsetof(struct run_values, t1_ms),
     0, 0},
    {"metrics", "ADDR:PORT", "serve GET /metrics there too, and nothing else", CLI_TEXT,
     offsetof(struct run_values, metrics), 0, 0},
    {"log-level", "LEVEL", "debug, info, warn or error: of the log on standard error", CLI_TEXT,
     offsetof(struct run_values, log_level), 0, 0},
    {"set", "KEY=VALUE", "any other setting of the configuration", CLI_LIST, offsetof(struct run_values, settings), 0,
     0},
    CLI_END,
};

static int run(const struct cli_command *command, int argc, char **argv);

const struct cli_command cli_run_command = {
    .name = "run",
    .path = "run",
    .arguments = "[POLICY]",
    .summary = "Runs the engine with a policy: a folder with policy.lua, or one .lua file.",
    .details = "SIGHUP reloads the policy, SIGUSR1 reopens the decision log, SIGTERM ends the engine in order: no new\n"
               "requests (503), calls ended with BYE; a second SIGTERM ends it at once.",
    .options = options,
    .args_max = 1,
    .run = run,
};

/* Applies flags until one fails; that one's fault stays. */
struct applying {
    struct engine_config *config;
    struct fault *fault;
    enum err err;
};

static void apply(struct applying *applying, const char *key, const char *value, bool first)
{
    if (value && applying->err == OK)
        applying->err = engine_config_flag(applying->config, key, value, first, applying->fault);
}

static void apply_list(struct applying *applying, const char *key, const struct cli_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        apply(applying, key, list->items[i], i == 0);
}

/* Whether --set number `index` is the first one of its key, which is `len` bytes long. */
static bool is_first_of_key(const struct cli_list *settings, unsigned index, size_t len)
{
    for (unsigned i = 0; i < index; i++) {
        if (strncmp(settings->items[i], settings->items[index], len + 1) == 0)
            return false;
    }
    return true;
}

static void apply_settings(struct applying *applying, const struct cli_list *settings)
{
    for (unsigned i = 0; i < settings->count && applying->err == OK; i++) {
        char key[64];
        struct span text = span_of(settings->items[i]);
        size_t equals = span_find(text, '=');
        if (equals == text.len || !span_copy(span_slice(text, 0, equals), key, sizeof(key)))
            applying->err =
                fault_set(applying->fault, ERR_SYNTAX, NULL, 0, "--set %s: expected KEY=VALUE", settings->items[i]);
        else
            apply(applying, key, text.at + equals + 1, is_first_of_key(settings, i, equals));
    }
}

static enum err configure(struct engine_config *config, const struct run_values *values, const char *policy,
                          struct fault *fault)
{
    struct applying applying = {config, fault, OK};
    if (values->config)
        applying.err = engine_config_load(config, values->config, fault);
    apply_list(&applying, "listen", &values->listen);
    apply_list(&applying, "certificate", &values->certificates);
    apply_list(&applying, "key", &values->keys);
    apply(&applying, "client_ca", values->client_ca, true);
    apply(&applying, "client_crl", values->client_crl, true);
    apply_list(&applying, "domains", &values->domains);
    apply(&applying, "advertise", values->advertise, true);
    apply(&applying, "data", values->data, true);
    apply(&applying, "control", values->control, true);
    apply(&applying, "metrics", values->metrics, true);
    apply(&applying, "log_level", values->log_level, true);
    apply(&applying, "workers", values->workers, true);
    apply(&applying, "t1_ms", values->t1_ms, true);
    apply_settings(&applying, &values->settings);
    apply(&applying, "policy", policy, true);
    return applying.err == OK ? engine_config_finish(config, fault) : applying.err;
}

static enum err start_admin(void *ctx, struct daemon *daemon, struct fault *fault)
{
    return admin_start_for_daemon(daemon, ctx, fault);
}

static void stop_admin(void *ctx)
{
    struct admin **admin = ctx;
    admin_stop(*admin);
    *admin = NULL;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct run_values values = {0};
    struct cli_arguments arguments;
    int exit_code;
    if (!cli_options_read(command, argc, argv, &values, &arguments, &exit_code))
        return exit_code;
    struct engine_config config;
    struct fault fault = {0};
    if (engine_config_init(&config) != OK) {
        cli_error(command, "%s", err_text(ERR_NOMEM));
        return CLI_EXIT_FAILED;
    }
    exit_code = CLI_EXIT_USAGE;
    if (configure(&config, &values, arguments.count ? arguments.items[0] : NULL, &fault) != OK) {
        char text[FAULT_FILE_MAX + FAULT_TEXT_MAX];
        fault_format(&fault, text, sizeof(text));
        cli_error(command, "%s", text);
    } else {
        struct admin *admin = NULL;
        const struct daemon_hooks hooks = {.ctx = &admin, .start = start_admin, .stop = stop_admin};
        exit_code = daemon_run(&config, &hooks);
    }
    engine_config_done(&config);
    return exit_code;
}
