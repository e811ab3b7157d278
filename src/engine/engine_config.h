/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator can set: a Lua file that returns a table, overridden by command-line flags.  Every key, its type and
 * its default stand in one table in engine_config.c; README.md in this folder lists them. */
#pragma once

#include "decisions/decisions_log.h"
#include "release/release_band.h"
#include "util/buffer.h"
#include "util/err.h"
#include "util/log.h"
#include "util/span.h"
#include <stdint.h>

enum { ENGINE_LIST_MAX = 64, ENGINE_SETTINGS_MAX = 128 };

/* A list of strings, each owned by the configuration. */
struct engine_list {
    char *items[ENGINE_LIST_MAX];
    unsigned count;
};

struct engine_config {
    struct engine_list listen;       /* "udp:127.0.0.1:5060", "tcp:[::1]:5060" */
    struct engine_list certificates; /* PEM files: a certificate and its chain each; the first is the default */
    struct engine_list keys;         /* PEM files, one a certificate; none: the keys are in the certificates' files */
    struct engine_list origins;      /* of web pages that may connect by WebSocket; none: all */
    char *client_crl;                /* PEM file: which of them are revoked, or NULL */
    char *client_ca;                 /* PEM file: who may vouch for clients, or NULL */
    char *server_ca;                 /* PEM file: who may vouch for servers that we connect to; NULL: the system's */
    char *client_certificates;       /* "none", "request", "require": of listeners that do not say; NULL: none */
    struct engine_list domains;      /* hosts that are ours; the first is the default domain */
    struct engine_list aliases;      /* "alias=domain" */
    struct engine_list trusted;      /* CIDR: sources to which no cap on unacknowledged answers applies */
    struct engine_list egress; /* CIDR: hosts that a Contact may make us reach, besides the flow a request came by */
    struct engine_list dns_servers; /* "ADDR:PORT", which are asked instead of the system's */
    char *advertise;                /* host for Contact and SDP where the bound address will not do, or NULL */
    char *data_dir;                 /* NULL: no directory, no last good version */
    char *control_path;             /* NULL: DATA/control.sock, or none without a data folder */
    char *metrics;                  /* "ADDR:PORT" or NULL */
    char *policy;                   /* a folder or one .lua file */
    char *country_code;             /* "1", "49": national numbers become E.164 with it; NULL: left as they are */
    char *national_prefix;          /* "0": taken off a national number */
    char *international_prefix;     /* "00", "011": replaced by + */
    uint32_t workers;               /* 0: one a core */
    uint32_t t1_ms, t2_ms, t4_ms;
    uint32_t max_transactions;   /* a worker */
    uint32_t max_calls;          /* in all */
    uint32_t max_calls_per_user; /* 0: no limit */
    uint32_t session_expires_s;  /* RFC 4028: what we ask for of callers that know it; 0: what they ask for */
    uint32_t min_se_s;           /* below it: 422 */
    uint32_t max_unacknowledged; /* answers to INVITE without an ACK, a source that is not trusted */
    uint32_t max_connections;    /* a worker */
    uint32_t max_connections_per_source;
    uint32_t max_handshakes;            /* of TLS and WebSocket, under way, a worker */
    uint32_t max_handshakes_per_source; /* likewise */
    uint32_t max_handshakes_per_second; /* begun, a source and worker */
    uint32_t handshake_timeout_ms;
    uint32_t source_rate, source_burst; /* new requests a second of a source that is not trusted; 0: no limit */
    uint32_t user_rate, user_burst;     /* the same for whom they are; 0: no limit */
    uint32_t max_queue_ms; /* that a message may wait to be read before new requests are dropped; 0: never */
    uint32_t register_min_s, register_max_s, register_default_s; /* how long a binding lives */
    uint32_t max_bindings_per_user;
    uint32_t max_bindings; /* a worker */
    uint32_t flow_timer_s; /* Flow-Timer in the 200 to a REGISTER with outbound (RFC 5626 4.4); 0: none */
    char *service_route;   /* in the 200 to REGISTER (RFC 3608), or NULL */
    uint32_t max_message_bytes;
    uint32_t subscribe_min_s, subscribe_default_s, subscribe_max_s; /* Expires of SUBSCRIBE */
    uint32_t publish_min_s, publish_default_s, publish_max_s;
    uint32_t max_subscriptions;            /* a worker */
    uint32_t max_subscriptions_per_user;   /* to one user */
    uint32_t max_subscriptions_per_source; /* one that is not trusted; 0: half of max_subscriptions */
    uint32_t max_publications;             /* a worker */
    uint32_t max_publications_per_user;
    uint32_t max_publication_bytes;
    uint32_t notify_interval_ms; /* between two NOTIFYs of one subscription */
    uint32_t notify_rate;        /* NOTIFYs a second, a worker, for what changes and ends */
    uint32_t max_unread_bytes;   /* output that a slow reader has not taken */
    uint32_t idle_timeout_ms;
    uint32_t ping_interval_ms, ping_timeout_ms; /* of WebSockets; interval 0: none */
    uint32_t drain_timeout_ms;                  /* 0: 64*T1 */
    uint32_t retry_after_s;                     /* in a 503 for the whole server */
    uint32_t probation_s;      /* how long a new version is held against the one before; 0: not at all */
    uint32_t probation_sample; /* one Call-ID in so many */
    struct release_band probation_band;
    bool watch;                       /* a saved policy is loaded at once */
    char *digest_algorithms;          /* "SHA-256, MD5": offered in this order; NULL: all, the strongest first */
    struct engine_list digest_agents; /* "Asterisk*=MD5, SHA-256": another order for a User-Agent */
    bool digest_auth_int;             /* offers qop="auth,auth-int" */
    uint32_t nonce_ttl_s;
    uint32_t nonces_max;       /* answered ones that are remembered, all workers together */
    uint32_t tries_per_source; /* wrong responses in about tries_period_s */
    uint32_t tries_per_user;
    uint32_t tries_period_s;
    bool guard_strict;
    bool end_retired_calls; /* calls of a user who is retired or moved end at once; else they go on */
    enum log_level log_level;
    enum decisions_mode decisions;
    bool log_request;               /* decisions are logged with the request, for replay */
    uint32_t decisions_sample;      /* one in so many, with DECISIONS_SAMPLE */
    char *decisions_file;           /* NULL: standard output */
    uint64_t decisions_max_bytes;   /* rotate at this size; 0: never */
    uint32_t decisions_keep;        /* rotated files kept */
    uint32_t trace_bytes;           /* of recent messages, a worker; 0: none are kept */
    char *hep;                      /* "ADDR:PORT" of a HEP collector, or NULL */
    uint32_t hep_id;                /* the capture agent's id there */
    char *file;                     /* that was read, or NULL */
    int lines[ENGINE_SETTINGS_MAX]; /* where it says each setting, in the order of the table; 0: it does not */
};

/* All defaults; engine_config_done() frees what was set. */
MUST_CHECK enum err engine_config_init(struct engine_config *config);
void engine_config_done(struct engine_config *config);

/* Reads a Lua file that returns a table.  Unknown keys, wrong types and impossible values are faults with file, line and
 * what was expected; `config` may then be half set and is only good for engine_config_done(). */
MUST_CHECK enum err engine_config_load(struct engine_config *config, const char *path, struct fault *fault);

/* One command-line flag by its configuration key ("listen", "t1_ms", "policy", ...).  For a list, the first flag
 * replaces what the file said and further ones add: `first` says which. */
MUST_CHECK enum err engine_config_flag(struct engine_config *config, const char *key, const char *value, bool first,
                                       struct fault *fault);

/* Fills in what follows from other settings and checks what only shows in the whole (a data folder that is not there,
 * T2 below T1, an alias to an unknown domain). */
MUST_CHECK enum err engine_config_finish(struct engine_config *config, struct fault *fault);
