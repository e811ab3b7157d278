/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of `verdict probe` share: what is asked, one exchange, what came of it. */
#pragma once

#include "probe/probe_ladder.h"
#include "probe/probe_wire.h"
#include "sip/sip_message.h"

enum { PROBE_TEXT_MAX = 256, PROBE_RETRANSMISSION_T1 = 64 };

struct probe_options {
    const char *target; /* "sip:+15550100@127.0.0.1:5060" */
    const char *method;
    const char *transport;      /* NULL: as the target says, else udp */
    const char *server_ca;      /* PEM file: whose certificates are believed; NULL: the system's */
    bool insecure;              /* whatever the certificate says */
    const char *proxy;          /* HOST[:PORT] to send to, NULL: the target's host */
    const char *from;           /* NULL: made from our address */
    const char *const *headers; /* "Name: value", borrowed */
    unsigned header_count;
    bool no_ack;
    bool json;
    uint32_t count;
    uint32_t expect;     /* 0: any final answer will do */
    uint32_t timeout_ms; /* 0: 64*T1 */
    uint32_t t1_ms;
};

/* How one exchange ended. */
struct probe_result {
    enum err err; /* OK: a final answer; ERR_TIMEOUT: none; else the wire failed, and `fault` says how */
    struct fault fault;
    unsigned code; /* final answer */
    char phrase[PROBE_TEXT_MAX];
    char contact[PROBE_TEXT_MAX]; /* its first Contact's URI, or "" */
    char reason[PROBE_TEXT_MAX];  /* Reason, Retry-After, Error-Info, Warning as they came, or "" */
    char retry_after[32];
    char error_info[PROBE_TEXT_MAX];
    char warning[PROBE_TEXT_MAX];
    uint64_t answered_us; /* from the request to its final answer */
    unsigned finals;      /* copies of the final answer */
    unsigned provisionals;
    bool acknowledged;
    bool bye_answered;               /* ours */
    bool bye_received;               /* theirs */
    char bye_reason[PROBE_TEXT_MAX]; /* Reason of their BYE */
};

/* One request and what follows from it. Large: on the heap. */
struct probe_exchange {
    const struct probe_options *options;
    struct sip_uri target;
    char request_uri[PROBE_TEXT_MAX * 2];
    char from_uri[PROBE_TEXT_MAX];
    char contact[PROBE_TEXT_MAX]; /* "<sip:probe@127.0.0.1:41234>" */
    char from_value[PROBE_TEXT_MAX * 2];
    char to_value[PROBE_TEXT_MAX * 2];
    char call_id[64];
    char branch[40];
    char ack_branch[40];
    char bye_branch[40];
    uint32_t cseq;
    uint64_t start_ns;
    uint64_t first_final_ns;
    struct probe_wire wire;
    struct probe_ladder ladder;
    struct buffer request, ack, bye;
    struct sip_message incoming; /* the message at hand */
    struct sip_message final;    /* the first final answer, over final_bytes */
    char final_bytes[PROBE_WIRE_CAP];
    struct probe_result result;
};

/* probe_message.c: the messages.  ERR_TOO_LONG or ERR_INVALID (a control byte in something given) with `fault`. */
MUST_CHECK enum err probe_names(struct probe_exchange *exchange, struct fault *fault);
MUST_CHECK enum err probe_build_request(struct probe_exchange *exchange, struct fault *fault);
MUST_CHECK enum err probe_build_ack(struct probe_exchange *exchange);
MUST_CHECK enum err probe_build_bye(struct probe_exchange *exchange);
/* Answer to a request of theirs. */
MUST_CHECK enum err probe_build_reply(const struct sip_message *request, unsigned code, struct buffer *out);

/* probe_call.c: runs the exchange to its end; the result says how it went. The wire is open. */
void probe_call(struct probe_exchange *exchange);

/* probe_result.c: "410 Gone: once existed here, no forwarding address, permanent", and what else there is to know. */
void probe_verdict(const struct probe_exchange *exchange, struct buffer *out);
void probe_json(const struct probe_exchange *exchange, struct json *json);
