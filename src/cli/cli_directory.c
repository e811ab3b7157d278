/* SPDX-License-Identifier: Apache-2.0 */
/* verdict directory: who exists.  One table of subcommands; where it is done is decided by the data folder's lock. */
#include "cli/cli_directory.h"
#include "cli/cli_main.h"
#include "cli/cli_text.h"
#include "entry/entry_time.h"
#include "store/store_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 << 20, LOCK_WAIT_MS = 10000, LOCK_PAUSE_MS = 20, HISTORY_DEFAULT = 100 };

#define OPTION(name, value, help, kind, member, least, most)                                                           \
    {                                                                                                                  \
        name, value, help, kind, offsetof(struct cli_directory_values, member), least, most                            \
    }
#define OPTION_DATA OPTION("data", "DIR", "the data folder; default: VERDICT_DATA", CLI_TEXT, data, 0, 0)
#define OPTION_CONTROL                                                                                                 \
    OPTION("control", "SOCKET", "ask the daemon on this socket; default: as the folder's lock says", CLI_TEXT,         \
           control, 0, 0)
#define OPTION_JSON OPTION("json", NULL, "the answer as JSON", CLI_FLAG, json, 0, 0)
#define OPTION_KIND                                                                                                    \
    OPTION("kind", "account|number|range|domain", "what KEY is; default: by its form", CLI_CHOICE, kind, 0, 0)
#define OPTION_BY   OPTION("by", "NAME", "who makes the change; default: you", CLI_TEXT, by, 0, 0)
#define OPTION_NOTE OPTION("note", "TEXT", "a remark that is kept with it", CLI_TEXT, note, 0, 0)
#define OPTION_SINCE                                                                                                   \
    OPTION("since", "TIME", "since when, as 2026-01-31T12:00:00Z or 2026-01-31; default: now", CLI_TEXT, since, 0, 0)
#define OPTION_CAUSE OPTION("cause", "N", "Q.850 cause, as 22 for a changed number", CLI_NUMBER, cause, 1, 127)
#define OPTION_REASSIGN                                                                                                \
    OPTION("reassign-after", "TIME", "when the number may be given out again", CLI_TEXT, reassign_after, 0, 0)
#define OPTION_FORMAT                                                                                                  \
    OPTION("format", "csv|jsonl", "default: by the file's name or first byte, else csv", CLI_CHOICE, format, 0, 0)
#define OPTIONS_COMMON OPTION_DATA, OPTION_CONTROL, OPTION_JSON
#define OPTIONS_EDIT   OPTION_KIND, OPTION_SINCE, OPTION_BY, OPTION_NOTE, OPTIONS_COMMON

static const struct cli_option add_options[] = {
    OPTION("state", "active|suspended|moved|gone", "state to begin in; default: active", CLI_CHOICE, state, 0, 0),
    OPTION("forward", "URI", "where it moved to", CLI_TEXT, forward, 0, 0),
    OPTION_CAUSE,
    OPTION_REASSIGN,
    OPTION("force", NULL, "even over a tombstone that may not be reassigned yet", CLI_FLAG, force, 0, 0),
    OPTIONS_EDIT,
    CLI_END,
};
static const struct cli_option retire_options[] = {OPTION_CAUSE, OPTION_REASSIGN, OPTIONS_EDIT, CLI_END};
static const struct cli_option edit_options[] = {OPTIONS_EDIT, CLI_END};
static const struct cli_option passwd_options[] = {
    OPTION("clear", NULL, "takes the password away", CLI_FLAG, clear, 0, 0),
    OPTION_BY,
    OPTION_NOTE,
    OPTIONS_COMMON,
    CLI_END,
};
static const struct cli_option show_options[] = {OPTION_KIND, OPTIONS_COMMON, CLI_END};
static const struct cli_option history_options[] = {
    OPTION_KIND,
    OPTION("limit", "N", "at most so many changes; default 100", CLI_NUMBER, limit, 1, 10000),
    OPTIONS_COMMON,
    CLI_END,
};
static const struct cli_option import_options[] = {
    OPTION_FORMAT,
    OPTION("merge", NULL, "keep entries that the file does not name", CLI_FLAG, merge, 0, 0),
    OPTION("dry-run", NULL, "only tell what would be done", CLI_FLAG, dry_run, 0, 0),
    OPTION("force", NULL, "even if over 5 % would be removed or retired", CLI_FLAG, force, 0, 0),
    OPTION_BY,
    OPTIONS_COMMON,
    CLI_END,
};
static const struct cli_option export_options[] = {
    OPTION_FORMAT,
    OPTION("passwords", NULL, "with the columns ha1_md5, ha1_sha256, ha1_sha512_256: keep that file secret", CLI_FLAG,
           passwords, 0, 0),
    OPTION_DATA,
    OPTION_CONTROL,
    CLI_END,
};
static const struct cli_option care_options[] = {OPTIONS_COMMON, CLI_END};

static int run(const struct cli_command *command, int argc, char **argv);

#define COMMAND(name_, arguments_, least, most, options_, summary_, details_)                                          \
    (&(const struct cli_command){.name = name_,                                                                        \
                                 .path = "directory " name_,                                                           \
                                 .arguments = arguments_,                                                              \
                                 .summary = summary_,                                                                  \
                                 .details = details_,                                                                  \
                                 .options = options_,                                                                  \
                                 .args_min = least,                                                                    \
                                 .args_max = most,                                                                     \
                                 .run = run})

#define KEY_FORMS                                                                                                      \
    "KEY is an account sip:USER@HOST, a number +15550100, a range +15550100-+15550199 or a domain example.com."

/* In the order of enum cli_directory_op. */
static const struct cli_command *const subcommands[] = {
    COMMAND("add", "KEY", 1, 1, add_options, "Adds an entry; the first one makes the directory.", KEY_FORMS),
    COMMAND("retire", "KEY", 1, 1, retire_options, "Makes an entry gone for good: 410 from the next request on.",
            KEY_FORMS),
    COMMAND("move", "KEY URI", 2, 2, edit_options, "Says where it has moved to: 301 from the next request on.",
            KEY_FORMS),
    COMMAND("suspend", "KEY", 1, 1, edit_options, "Makes an entry unavailable for now: 480, never 410.", KEY_FORMS),
    COMMAND("restore", "KEY", 1, 1, edit_options, "Takes the last change of an entry's state back.", KEY_FORMS),
    COMMAND("remove", "KEY", 1, 1, edit_options, "Forgets an entry that was added by mistake: 404 from then on.",
            KEY_FORMS),
    COMMAND(
        "passwd", "KEY", 1, 1, passwd_options, "Sets the password with which an account authenticates.",
        "KEY is an account sip:USER@HOST; HOST is the realm. The password is read from the terminal without echo, or\n"
        "from standard input, its first line. What is kept are H(USER:HOST:password) for MD5, SHA-256 and "
        "SHA-512-256."),
    COMMAND("show", "KEY", 1, 1, show_options, "Shows one entry.", KEY_FORMS),
    COMMAND("history", "[KEY]", 0, 1, history_options, "Lists the changes of an entry, or the last ones of all.",
            KEY_FORMS),
    COMMAND("import", "[FILE]", 0, 1, import_options,
            "Makes a file (or standard input) the directory, whole or not at all.",
            "CSV: kind,key,state,forward,since,cause,by,reassign_after,note with that header line (and "
            "ha1_md5,ha1_sha256,\n"
            "ha1_sha512_256); or JSON lines with these names. What the file does not name is removed, unless --merge."),
    COMMAND("export", "[FILE]", 0, 1, export_options, "Writes all entries to a file or standard output.",
            "The file appears whole or not at all."),
    COMMAND("verify", "", 0, 0, care_options, "Reads everything and checks it.", NULL),
    COMMAND("backup", "FOLDER", 1, 1, care_options, "Copies the directory into a data folder of its own.", NULL),
    COMMAND("compact", "", 0, 0, care_options, "Builds the file anew without free pages.", NULL),
    NULL,
};

const struct cli_command cli_directory_command = {
    .name = "directory",
    .path = "directory",
    .arguments = "",
    .summary = "Who exists: active, suspended, moved or gone.",
    .details = "Goes through the daemon that holds the data folder; works on its files when none does.",
    .children = subcommands,
};

static enum cli_directory_op op_of(const struct cli_command *command)
{
    unsigned op = 0;
    while (subcommands[op] != command)
        op++;
    return (enum cli_directory_op)op;
}

static const char *who(const struct cli_directory_values *values)
{
    const char *sudo_user = getenv("SUDO_USER");
    if (values->by)
        return values->by;
    if (sudo_user && sudo_user[0])
        return sudo_user;
    const struct passwd *entry = getpwuid(getuid());
    return entry ? entry->pw_name : "unknown";
}

static enum err read_time(const char *option, const char *text, int64_t *out_ms, struct fault *fault)
{
    if (!text || entry_time_parse(span_of(text), out_ms))
        return OK;
    return fault_set(fault, ERR_INVALID, NULL, 0, "--%s %s: expected 2026-01-31T12:00:00Z or 2026-01-31", option, text);
}

/* Turns words into what they mean, before anything is opened or asked. */
static enum err read_ask(struct cli_directory_ask *ask, const struct cli_arguments *arguments,
                         struct cli_directory_values *values, struct fault *fault)
{
    struct entry_name name;
    bool has_key = ask->op <= CLI_DIRECTORY_SHOW || (ask->op == CLI_DIRECTORY_HISTORY && arguments->count);
    ask->values = values;
    ask->key = arguments->count ? arguments->items[0] : NULL;
    ask->by = who(values);
    ask->kind = ENTRY_KIND_COUNT;
    ask->state = ENTRY_ACTIVE;
    if (ask->op == CLI_DIRECTORY_MOVE)
        values->forward = arguments->items[1];
    if (values->kind)
        (void)entry_kind_parse(span_of(values->kind), &ask->kind);
    if (values->state)
        (void)entry_state_parse(span_of(values->state), &ask->state);
    enum err err = read_time("since", values->since, &ask->since_ms, fault);
    if (err == OK)
        err = read_time("reassign-after", values->reassign_after, &ask->reassign_after_ms, fault);
    return err == OK && has_key ? entry_name_parse(span_of(ask->key), ask->kind, &name, fault) : err;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Takes the folder's lock, or learns who holds it.  A command that is at work is waited for: it has no socket. */
static enum err take_lock(const char *data, struct store_lock **out_lock, struct store_holder *holder,
                          struct fault *fault)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
    for (int waited_ms = 0;; waited_ms += LOCK_PAUSE_MS) {
        *holder = (struct store_holder){0};
        enum err err = store_lock_take(data, NULL, out_lock, holder, fault);
        if (err != ERR_BUSY || holder->control_socket[0] || waited_ms >= LOCK_WAIT_MS)
            return err;
        (void)nanosleep(&pause, NULL);
    }
}

static enum err perform(const struct cli_directory_ask *ask, struct fault *fault)
{
    const struct cli_directory_values *values = ask->values;
    const char *data = cli_control_data(values->data);
    char socket[CLI_SOCKET_MAX];
    if (values->control || !data) {
        enum err err = cli_control_socket(values->control, values->data, socket, fault);
        return err == OK ? cli_directory_remote(ask, socket, fault) : err;
    }
    bool makes_one = ask->op == CLI_DIRECTORY_ADD || ask->op == CLI_DIRECTORY_IMPORT;
    if (!makes_one && !is_folder(data))
        return fault_set(fault, ERR_NOT_FOUND, NULL, 0, "there is no data folder %s", data);
    struct store_lock *lock = NULL;
    struct store_holder holder;
    enum err err = take_lock(data, &lock, &holder, fault);
    if (err == ERR_BUSY && holder.control_socket[0]) {
        *fault = (struct fault){0};
        return cli_directory_remote(ask, holder.control_socket, fault);
    }
    if (err != OK)
        return err;
    err = cli_directory_local(ask, data, fault);
    store_lock_release(lock);
    return err;
}

/* Performs and prints. */
static int answer(struct cli_directory_ask *ask)
{
    struct fault fault = {0};
    struct buffer memory = buffer_heap(ANSWER_MAX);
    ask->answer = &memory;
    bool is_import = ask->op == CLI_DIRECTORY_IMPORT;
    int exit_code = CLI_EXIT_OK;
    enum err err = perform(ask, &fault);
    if (ask->stream)
        cli_directory_stream_end(ask->stream);
    const struct cli_http_answer got = {.status = 200, .body = memory};
    json_t *json = err == OK && ask->op != CLI_DIRECTORY_EXPORT ? cli_http_json(&got, &fault) : NULL;
    if (err != OK || (!json && ask->op != CLI_DIRECTORY_EXPORT)) {
        char text[FAULT_FILE_MAX + FAULT_TEXT_MAX];
        fault_format(&fault, text, sizeof(text));
        cli_error(ask->command, "%s%s%s%s", ask->key ? ask->key : "", ask->key ? ": " : "", text,
                  is_import && err == ERR_DENIED ? " (--dry-run counts, --force does it)" : "");
        exit_code = CLI_EXIT_FAILED;
    } else if (json && ask->values->json) {
        (void)printf("%.*s\n", SPAN_ARG(buffer_span(&memory)));
    } else if (json) {
        cli_text_clean(json);
        cli_directory_print(ask, json, stdout);
    }
    if (json_is_false(json_object_get(json, "ok")))
        exit_code = CLI_EXIT_FAILED; /* a directory that does not verify */
    json_decref(json);
    buffer_done(&memory);
    return exit_code;
}

static enum entry_format format_of(const struct cli_directory_values *values, const char *path, int first)
{
    if (values->format)
        return strcmp(values->format, "jsonl") == 0 ? ENTRY_JSONL : ENTRY_CSV;
    struct span name = span_of(path);
    if (span_ends_with(name, SPAN(".jsonl")) || span_ends_with(name, SPAN(".ndjson")) || first == '{')
        return ENTRY_JSONL;
    return ENTRY_CSV;
}

static int run_import(struct cli_directory_ask *ask, struct cli_directory_stream *stream)
{
    const char *path = ask->key && strcmp(ask->key, "-") != 0 ? ask->key : NULL;
    ask->key = NULL;
    stream->name = path ? path : "standard input";
    stream->fd = path ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    /* The first byte tells the format, and cannot be put back into a pipe. */
    unsigned char first;
    ssize_t got = stream->fd >= 0 ? read(stream->fd, &first, 1) : -1;
    if (got < 0) {
        cli_error(ask->command, "%s: %s", stream->name, strerror(errno));
        return CLI_EXIT_FAILED;
    }
    stream->first = got ? first : -1;
    ask->format = format_of(ask->values, path, stream->first);
    int exit_code = answer(ask);
    if (path)
        (void)close(stream->fd);
    return exit_code;
}

/* Writes beside the file and renames, so that a half export never looks like a whole one. */
static int run_export(struct cli_directory_ask *ask, struct cli_directory_stream *stream)
{
    const char *path = ask->key && strcmp(ask->key, "-") != 0 ? ask->key : NULL;
    char beside[4096];
    ask->key = NULL;
    ask->format = format_of(ask->values, path, -1);
    stream->name = path ? path : "standard output";
    stream->fd = STDOUT_FILENO;
    stream->show = stream->show && (path || !isatty(STDOUT_FILENO));
    if (!path)
        return answer(ask);
    int len = snprintf(beside, sizeof(beside), "%s.%ld.part", path, (long)getpid());
    stream->fd =
        len > 0 && (size_t)len < sizeof(beside) ? open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666) : -1;
    if (stream->fd < 0) {
        cli_error(ask->command, "%s: %s", path, strerror(errno));
        return CLI_EXIT_FAILED;
    }
    int exit_code = answer(ask);
    bool is_written = fsync(stream->fd) == 0;
    is_written = close(stream->fd) == 0 && is_written;
    if (exit_code == CLI_EXIT_OK && (!is_written || rename(beside, path) != 0)) {
        cli_error(ask->command, "%s: %s", path, strerror(errno));
        exit_code = CLI_EXIT_FAILED;
    }
    if (exit_code != CLI_EXIT_OK)
        (void)unlink(beside);
    return exit_code;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct cli_directory_values values = {.limit = HISTORY_DEFAULT};
    struct cli_arguments arguments;
    struct cli_directory_ask ask = {.command = command, .op = op_of(command)};
    struct fault fault = {0};
    int exit_code;
    if (!cli_options_read(command, argc, argv, &values, &arguments, &exit_code))
        return exit_code;
    if (read_ask(&ask, &arguments, &values, &fault) != OK) {
        cli_error(command, "%s", fault.text);
        return CLI_EXIT_USAGE;
    }
    struct cli_directory_stream stream = {
        .fd = -1, .first = -1, .name = "", .show = true, .on_terminal = isatty(STDERR_FILENO) == 1};
    ask.stream = &stream;
    if (ask.op == CLI_DIRECTORY_PASSWD && cli_directory_passwd(&ask, &fault) != OK) {
        cli_error(command, "%s: %s", ask.key, fault.text);
        return CLI_EXIT_FAILED;
    }
    if (ask.op == CLI_DIRECTORY_IMPORT)
        return run_import(&ask, &stream);
    if (ask.op == CLI_DIRECTORY_EXPORT)
        return run_export(&ask, &stream);
    return answer(&ask);
}
