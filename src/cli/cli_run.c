/* SPDX-License-Identifier: Apache-2.0 */
/* verdict run: reads the configuration, lets flags override it, hangs the control API on the engine and runs it. */
#include "admin/admin.h"
#include "cli/cli_main.h"
#include "engine/engine.h"

#include <string.h>

struct run_values {
    const char *config;
    struct cli_list listen;
    struct cli_list domains;
    struct cli_list aliases;
    struct cli_list trusted;
    const char *advertise;
    const char *data;
    const char *control;
    const char *metrics;
    const char *log;
    uint32_t workers;
    uint32_t t1_ms;
};

/* Numbers that were not given. */
enum { UNSET = UINT32_MAX - 1 };

static const struct cli_option options[] = {
    {"config", "FILE", "a Lua file that returns a table of settings; flags override it", CLI_TEXT,
     offsetof(struct run_values, config), 0, 0},
    {"listen", "TRANSPORT:ADDR:PORT", "udp:127.0.0.1:5060, tcp:[::1]:5060; port 0: any", CLI_LIST,
     offsetof(struct run_values, listen), 0, 0},
    {"domain", "HOST", "a host that is ours; the first is the default domain", CLI_LIST,
     offsetof(struct run_values, domains), 0, 0},
    {"alias", "ALIAS=DOMAIN", "another name of a domain of ours", CLI_LIST, offsetof(struct run_values, aliases), 0, 0},
    {"trusted", "CIDR", "sources to which no cap on unacknowledged answers applies", CLI_LIST,
     offsetof(struct run_values, trusted), 0, 0},
    {"advertise", "HOST", "host for Contact and SDP where the bound address will not do", CLI_TEXT,
     offsetof(struct run_values, advertise), 0, 0},
    {"data", "DIR", "data folder: directory, last good policy, lock, control socket", CLI_TEXT,
     offsetof(struct run_values, data), 0, 0},
    {"control", "SOCKET", "unix socket of the control API; default DIR/control.sock", CLI_TEXT,
     offsetof(struct run_values, control), 0, 0},
    {"workers", "N", "worker threads; 0: one a core", CLI_NUMBER, offsetof(struct run_values, workers), 0, 256},
    {"t1-ms", "N", "T1 of RFC 3261 in milliseconds; T2 and T4 follow it (default 500)", CLI_NUMBER,
     offsetof(struct run_values, t1_ms), 1, 10000},
    {"metrics", "ADDR:PORT", "serve GET /metrics there too, and nothing else", CLI_TEXT,
     offsetof(struct run_values, metrics), 0, 0},
    {"log-level", "debug|info|warn|error", "least level of the log on standard error", CLI_CHOICE,
     offsetof(struct run_values, log), 0, 0},
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

static void apply_number(struct applying *applying, const char *key, uint32_t value)
{
    char memory[16];
    struct buffer text = buffer_over(memory, sizeof(memory) - 1);
    if (value == UNSET)
        return;
    buffer_add_u64(&text, value);
    memory[text.len] = '\0';
    apply(applying, key, memory, true);
}

static enum err configure(struct engine_config *config, const struct run_values *values, const char *policy,
                          struct fault *fault)
{
    struct applying applying = {config, fault, OK};
    if (values->config)
        applying.err = engine_config_load(config, values->config, fault);
    apply_list(&applying, "listen", &values->listen);
    apply_list(&applying, "domains", &values->domains);
    apply_list(&applying, "aliases", &values->aliases);
    apply_list(&applying, "trusted", &values->trusted);
    apply(&applying, "advertise", values->advertise, true);
    apply(&applying, "data_dir", values->data, true);
    apply(&applying, "control", values->control, true);
    apply(&applying, "metrics", values->metrics, true);
    apply(&applying, "log_level", values->log, true);
    apply_number(&applying, "workers", values->workers);
    apply_number(&applying, "t1_ms", values->t1_ms);
    apply(&applying, "policy", policy, true);
    return applying.err == OK ? engine_config_finish(config, fault) : applying.err;
}

static enum err start_admin(void *ctx, struct engine *engine, struct fault *fault)
{
    return admin_start_for_engine(engine, ctx, fault);
}

static void stop_admin(void *ctx)
{
    struct admin **admin = ctx;
    admin_stop(*admin);
    *admin = NULL;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct run_values values = {.workers = UNSET, .t1_ms = UNSET};
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
        const struct engine_hooks hooks = {.ctx = &admin, .start = start_admin, .stop = stop_admin};
        exit_code = engine_run(&config, &hooks);
    }
    engine_config_done(&config);
    return exit_code;
}
