/* SPDX-License-Identifier: Apache-2.0 */
/* A policy under test: made from text in memory, with a host whose clock, directory and log the test sets. */
#pragma once

#include "policy/policy.h"
#include "sip/sip_message.h"

enum { LOG_TEXTS_MAX = 32 };

/* Zero is a good start: no record, time 0. */
struct policy_world {
    int64_t wall_ms;
    enum err record_err; /* what the directory answers when there is no record: OK means ERR_NOT_FOUND */
    bool has_record;
    struct policy_record record;
    unsigned lookups;
    unsigned log_count;
    char log_texts[LOG_TEXTS_MAX][512];
    char log_rules[LOG_TEXTS_MAX][65];
    uint64_t seed;
};

struct policy_host world_host(struct policy_world *world);

/* A policy of one file; the test fails when it does not load. */
struct policy *policy_of(struct policy_world *world, const char *text);
/* The same with further files and options. */
struct policy *policy_of_files(struct policy_world *world, const struct source_file *files, size_t count, bool fresh);
/* Loads it, expects that to fail, and gives the fault. */
struct fault policy_fault(const char *text);
struct fault policy_fault_of_files(const struct source_file *files, size_t count);

/* A request, parsed; `message` is the caller's. Headers are further lines, each with its CRLF. */
struct policy_request request_of(struct sip_message *message, char *bytes, size_t cap, const char *method,
                                 const char *uri, const char *headers);

/* An INVITE for sip:user@example.com, decided. */
struct policy_decision decide_user(struct policy *policy, const char *user);
struct policy_decision decide(struct policy *policy, const char *method, const char *uri, const char *headers);
/* The whole of a decision that a test names: verdict, code, rule. */
void assert_decision(const struct policy_decision *decision, enum policy_verdict verdict, int code, const char *rule);
