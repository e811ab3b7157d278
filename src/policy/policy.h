/* SPDX-License-Identifier: Apache-2.0 */
/* A policy, from its source to decisions:
 *
 *   source_read -> policy_prepare -> one policy_new a worker -> policy_decide ...
 *
 * A `struct policy_program` is one version, loaded and validated, with its data sets: immutable, shared by all workers,
 * reference counted (atomically).  A `struct policy` is one VM of that version: used by one thread at a time, made on the
 * control thread and handed over.  Nothing here acts on the network: a decision is a value. */
#pragma once

#include "policy/policy_decision.h"
#include "policy/policy_host.h"
#include "source/source.h"

struct policy;
struct policy_program;
struct vm_watchdog;
struct facts_shared_registry;
struct facts_echoes;
struct policy_trace;
struct policy_when;

struct policy_options {
    struct policy_host host;
    struct vm_watchdog *watchdog;         /* NULL: no clock bound, fuel alone (check, test, replay: repeatable) */
    struct facts_shared_registry *shared; /* where `shared` counters live on across versions; NULL: a private one */
    uint64_t fuel;                        /* per decision; 0: the default */
    const struct policy_trace *trace;     /* NULL: none; outlives the policy */
    bool fresh_request; /* test, replay, shadow: a new `req` each decision, and one that was kept raises */
};

/* A rule that was killed so often in so long is set aside in that VM: on_error answers for it, until the next version. */
enum { POLICY_KILLS_MAX = 20, POLICY_KILLS_MS = 60 * 1000 };

enum { POLICY_RULES_MAX = 1024, POLICY_DATA_MAX = 64, POLICY_SHARED_MAX = 64 };

/* A rule's name and a hash of all that makes it up, to say what a reload added, removed and changed. */
struct policy_rule_info {
    const char *name;
    uint64_t hash;
    int line;            /* where the rule is written, 0: unknown */
    int code;            /* of its verdict; 0: drop, or `decide` says */
    int q850;            /* of its verdict */
    unsigned conditions; /* of its `when` */
    bool plain;          /* a verdict, and no `check`: it fits whenever its conditions hold */
};

/* A `shared` table, to say what a reload keeps and what it resets. */
struct policy_shared_info {
    const char *name;
    const char *type; /* "counter", "map", "bucket" */
    uint64_t options; /* a hash of its options: a table with others is another table */
};

/* A `data` set. */
struct policy_data_info {
    const char *name;
    const char *type; /* "ranges", "strings", "cidrs", "domains", "prefixes" */
    const char *file;
    size_t entries;
};

/* Borrowed from the program. */
struct policy_description {
    const char *name;     /* `name` in policy{}, or the source's */
    const char *hash;     /* the source's SHA-256, hexadecimal */
    bool is_function;     /* the plain-function form */
    bool gone_by_default; /* `default` is gone {} */
    bool
        asks_directory; /* it reads req.record, `state` or who is authenticated, or challenges: refused at load where no directory was ever made */
    const struct policy_rule_info *rules;
    size_t rule_count;
    const struct policy_shared_info *shared;
    size_t shared_count;
    const struct policy_data_info *data;
    size_t data_count;
};

/* Compiles `source` in a VM of its own, checks the schema, loads the data sets.  Errors carry file and line.  The source
 * is referenced by the program.  Runs for as long as the data takes: control thread only. */
MUST_CHECK enum err policy_prepare(struct source *source, struct policy_program **out_program, struct fault *fault);
struct policy_program *policy_program_ref(struct policy_program *program);
void policy_program_unref(struct policy_program *program); /* NULL is fine */
const struct policy_description *policy_describe(const struct policy_program *program);
struct source *policy_program_source(const struct policy_program *program);
/* Whether `name` is a `data` set of this version that holds the request's target (its number, user, AOR, host): what
 * guard = "strict" asks about a 410's evidence. */
bool policy_program_evidence(const struct policy_program *program, struct span name,
                             const struct policy_target *target);

/* For checks.  Whether scripts have a global of that name; whether `object` ("req", "req.target", ...) has that field or
 * method, else *out_near is the nearest that it has, or NULL.  What is no object of ours has any field. */
bool policy_has_global(struct policy *policy, struct span name);
bool policy_object_has_field(struct span object, struct span field, const char **out_near);
/* A rule's conditions and verdict (NULL: `decide` says); policy_match.h tells what they are made of. */
const struct policy_when *policy_rule(const struct policy *policy, size_t at, const struct policy_answer **out_answer);
/* Names of all fields of a verdict's table. */
size_t policy_answer_names(enum policy_verdict verdict, const char **out_names, size_t cap);
/* Names of all fields, parts and methods of such an object, as the engine registers them; 0: no object of ours. */
size_t policy_object_names(struct span object, const char **out_names, size_t cap);

/* One VM of the program.  `options` is copied; what it points to must outlive the policy. */
MUST_CHECK enum err policy_new(struct policy_program *program, const struct policy_options *options,
                               struct policy **out_policy, struct fault *fault);
void policy_free(struct policy *policy); /* NULL is fine */

/* For a single VM: policy_prepare and policy_new in one. */
MUST_CHECK enum err policy_load(struct source *source, const struct policy_options *options, struct policy **out_policy,
                                struct fault *fault);
const struct policy_program *policy_program_of(const struct policy *policy);

/* Decides `request`.  Always decides: whatever the script does, *out_decision holds one answer.  No system call, no lock
 * except in `shared` tables, no heap unless the script makes values. */
void policy_decide(struct policy *policy, const struct policy_request *request, struct policy_decision *out_decision);

/* As policy_decide, but `shared` tables are only read: a counter answers what it would answer, and does not count.  For
 * OPTIONS, which is answered without state and may be repeated (design section 2). */
void policy_decide_read_only(struct policy *policy, const struct policy_request *request,
                             struct policy_decision *out_decision);

/* What `shared` tables answered in the last decision. */
const struct facts_echoes *policy_echoes(const struct policy *policy);
/* Decides what another policy has decided already, which heard `heard` (used up): `shared` tables answer the same, and are only
 * read.  With `fresh` the decision has a `req` of its own, so that one which escaped raises. */
void policy_decide_beside(struct policy *policy, const struct policy_request *request, bool fresh,
                          struct facts_echoes *heard, struct policy_decision *out_decision);

/* Tells the script's handler about an event, under the same budget as a decision.  `out_decision` (which may be NULL)
 * gets failure, text, file, line and fuel; there is no answer.  A policy without such a handler ignores it. */
void policy_event(struct policy *policy, enum policy_event event, const struct policy_call *call,
                  struct policy_decision *out_decision);
/* Asks the script's on_request about a request inside a call, under the same budget.  The answer is a 200 or a refusal that
 * ends no dialog (RFC 5057); NULL: the engine answers as it would by itself (nil was said, or it failed: see `failure`). */
void policy_in_call(struct policy *policy, const struct policy_request *request, const struct policy_call *call,
                    struct policy_decision *out_decision);
bool policy_has_event(const struct policy *policy, enum policy_event event);

/* Collector steps that the last decisions owe: between requests, never during one. */
void policy_collect(struct policy *policy);
/* Bytes that the VM holds, and whether that is over its soft cap, so that the engine has it rebuilt off the call path. */
size_t policy_memory(const struct policy *policy);
bool policy_wants_rebuild(const struct policy *policy);
