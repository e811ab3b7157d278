/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of `verdict directory` share.  A command is put into one `ask`, which is done through the control socket while
 * a daemon holds the data folder, on the files themselves while none does; both answer with the same JSON. */
#pragma once

#include "cli/cli_control.h"
#include "cli/cli_options.h"
#include "directory/directory.h"
#include "directory/directory_import.h"

enum cli_directory_op {
    CLI_DIRECTORY_ADD,
    CLI_DIRECTORY_RETIRE,
    CLI_DIRECTORY_MOVE,
    CLI_DIRECTORY_SUSPEND,
    CLI_DIRECTORY_RESTORE,
    CLI_DIRECTORY_REMOVE,
    CLI_DIRECTORY_PASSWD,
    CLI_DIRECTORY_SHOW,
    CLI_DIRECTORY_HISTORY,
    CLI_DIRECTORY_IMPORT,
    CLI_DIRECTORY_EXPORT,
    CLI_DIRECTORY_VERIFY,
    CLI_DIRECTORY_BACKUP,
    CLI_DIRECTORY_COMPACT
};

struct cli_directory_values {
    const char *control;
    const char *data;
    const char *kind;
    const char *state;
    const char *forward;
    const char *since;
    const char *reassign_after;
    const char *by;
    const char *note;
    const char *format;
    uint32_t cause;
    uint32_t limit;
    bool force;
    bool merge;
    bool dry_run;
    bool json;
    bool clear;
    bool passwords;
};

/* A file that goes in or comes out, with its progress on standard error. */
struct cli_directory_stream {
    int fd;
    const char *name; /* for messages */
    bool show;        /* progress */
    bool on_terminal; /* one line that is written over; else a line now and then */
    uint64_t rows;    /* line feeds that went by */
    uint64_t next_ns; /* when to show progress again */
    int first;        /* a byte that was looked at and is still to be read; -1: none */
};

struct cli_directory_ask {
    const struct cli_command *command;
    enum cli_directory_op op;
    const struct cli_directory_values *values;
    const char *key;  /* or the path of a backup */
    const char *by;   /* who asks */
    int64_t since_ms; /* of values->since, 0: not given */
    int64_t reassign_after_ms;
    enum entry_kind kind;   /* ENTRY_KIND_COUNT: by the key's form */
    enum entry_state state; /* of add */
    enum entry_format format;
    struct cli_directory_stream *stream; /* import, export */
    struct buffer *answer;               /* JSON */
    struct span ha1[DIGEST_KIND_COUNT];  /* passwd: binary; empty: none */
    char ha1_bytes[DIGEST_KIND_COUNT][DIGEST_MAX];
};

/* cli_directory_remote.c: through the socket.  A refusal is an error with the engine's words in `fault`. */
MUST_CHECK enum err cli_directory_remote(const struct cli_directory_ask *ask, const char *socket, struct fault *fault);
/* cli_directory_local.c: on the files; the caller holds the folder's lock. */
MUST_CHECK enum err cli_directory_local(const struct cli_directory_ask *ask, const char *data, struct fault *fault);

/* cli_directory_passwd.c: asks for the password and keeps its HA1s in `ask`. */
MUST_CHECK enum err cli_directory_passwd(struct cli_directory_ask *ask, struct fault *fault);

/* cli_directory_stream.c: a reader and a writer with progress, for the directory's functions and for HTTP alike.
 * ctx is a struct cli_directory_stream. */
enum err cli_directory_stream_read(void *ctx, char *out, size_t cap, size_t *out_len);
enum err cli_directory_stream_write(void *ctx, struct span bytes);
/* A directory_progress_fn: names the phases behind the reading. */
bool cli_directory_stream_phase(void *ctx, enum directory_phase phase, uint64_t rows);
/* Ends the line of progress. */
void cli_directory_stream_end(struct cli_directory_stream *stream);

/* cli_directory_print.c: the JSON answer for people. */
void cli_directory_print(const struct cli_directory_ask *ask, const json_t *answer, FILE *to);
