/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share.  Not for other folders. */
#pragma once

#include "facts/facts_echo.h"
#include "facts/facts_index.h"
#include "policy/policy.h"
#include "policy/policy_match.h"
#include "policy/policy_trace.h"
#include "util/arena.h"
#include "util/buffer.h"
#include "util/suggest.h"

#include "vm/vm.h"
#include "vm/vm_class.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    POLICY_ARENA_BYTES = 32 << 10, /* the texts of one decision's answer */
    POLICY_LOG_LINES_MAX = 16,     /* a decision */
    POLICY_LOG_TEXT_MAX = 512,
    POLICY_VALUE_MAX = 8 << 10, /* a header's value without its folds, for Lua and for `when` */
};

/* policy_verdict.c */
bool policy_state_parse(struct span name, enum policy_state *out_state);

/* policy_answer.c: everything absent. */
void policy_answer_begin(struct policy_answer *answer, enum policy_verdict verdict, int code);

enum {
    POLICY_IP_TEXT_MAX = 48,
    POLICY_RULE_NAME_MAX = 64,
    POLICY_SCAN_MAX = 2 << 20, /* bytes that `when` may search in one decision: about 2 ms */
    POLICY_MATCH_DEPTH_MAX = 8,
    POLICY_MATCH_ITEMS_MAX = 256,
    POLICY_MATCHES_MAX = 1 << 18, /* values of all conditions: a list that is named in a list is read again each time */
    POLICY_CONDITIONS_MAX = 32,   /* a rule */
};

/* How often a rule was killed lately. */
struct policy_kills {
    int64_t since_ms;
    unsigned count;
    bool aside;
};

/* One rule, ready to be tried. */
struct policy_rule {
    char name[POLICY_RULE_NAME_MAX + 1];
    struct policy_when when;
    int check;                          /* registry reference, or LUA_NOREF */
    int decide;                         /* the same */
    const struct policy_answer *answer; /* NULL with `decide` */
    uint64_t hash;
    int line;
    struct policy_kills kills;
};

/* A named set of the program. */
struct policy_data {
    char name[POLICY_RULE_NAME_MAX + 1];
    char file[SOURCE_NAME_MAX];
    struct facts_set *set;
};

struct policy_shared {
    char name[POLICY_RULE_NAME_MAX + 1];
    struct facts_shared *table;
};

struct policy_program {
    _Atomic unsigned refs;
    struct source *source;
    struct policy_description description;
    bool sealed; /* the sets are loaded: further VMs take them as they are */
    size_t data_count;
    struct policy_data data[POLICY_DATA_MAX];
    struct policy_data_info data_info[POLICY_DATA_MAX];
    size_t shared_count;
    char shared_names[POLICY_SHARED_MAX][POLICY_RULE_NAME_MAX + 1];
    struct policy_shared_info shared_info[POLICY_SHARED_MAX];
    struct policy_rule_info *rules; /* names owned */
    size_t rule_count;
    char name[POLICY_RULE_NAME_MAX + 1];
};

/* What the host said about the target's record in this decision. */
enum policy_lookup { POLICY_LOOKUP_NOT_ASKED, POLICY_LOOKUP_FOUND, POLICY_LOOKUP_NONE, POLICY_LOOKUP_UNREADABLE };

struct policy_block {
    struct policy_block *next;
    void (*done)(void *bytes); /* NULL: nothing but memory */
    max_align_t bytes[];
};

struct policy_index;

struct policy {
    struct policy_program *program;
    struct policy_host host;
    struct facts_shared_registry *registry;
    struct vm *vm;
    lua_State *L;
    const struct policy_trace *trace; /* NULL live */
    bool fresh_request;
    bool read_only;             /* `shared` tables do not count in this decision */
    struct facts_echoes echoes; /* what they answered in it */
    struct facts_echoes *heard; /* and what they answered the version that decided before; NULL: none did */
    struct policy_kills function_kills;
    int function; /* the plain-function form: registry reference; LUA_NOREF with rules */
    int events[POLICY_EVENT_COUNT];
    int request_object;        /* the reused `req`, registry reference */
    int environment;           /* `env` */
    struct policy_rule *rules; /* of POLICY_RULES_MAX at most; a block of this policy's */
    size_t rule_count;
    const struct policy_index *index;
    const struct policy_answer *fallback; /* `default` */
    const struct policy_answer *on_error;
    const void *verdict_tables[POLICY_VERDICT_COUNT]; /* identities of the metatables, see policy_lua_verdict.c */
    struct policy_block *blocks;                      /* everything that lives as long as the policy */
    size_t shared_count;
    struct policy_shared shared[POLICY_SHARED_MAX];

    /* The decision under way. */
    const struct policy_request *request; /* NULL: none */
    const struct policy_rule *rule;       /* being tried */
    uint64_t generation;
    int64_t wall_ms;
    bool in_lua; /* vm_begin_decision was called */
    bool scan_exceeded;
    size_t scan_left;
    unsigned match_count; /* values of conditions that were read so far */
    unsigned log_lines;
    enum policy_lookup lookup;
    enum policy_lookup identified; /* whether the credentials were asked for, and what came of it */
    struct span authenticated_as;
    struct policy_record record;
    struct policy_answer answer; /* what Lua made */
    struct arena arena;
    char arena_bytes[POLICY_ARENA_BYTES];
    char scratch[POLICY_VALUE_MAX];
};

/* policy_trace.c: only where policy->trace is set. */
struct policy_object;
struct facts_set;
void policy_trace_rule(const struct policy *policy, enum policy_tried tried);
void policy_trace_condition(struct policy *policy, const struct policy_condition *condition, unsigned index,
                            bool holds);
/* A field that was read; its value is at the top of the stack. */
void policy_trace_read(lua_State *L, const struct policy_object *object, struct span field);
void policy_trace_lookup(const struct policy *policy, const char *what, struct span key, struct span result);
void policy_trace_set(const struct policy *policy, const struct facts_set *set, struct span key, bool has);
void policy_trace_directory(const struct policy *policy);

/* policy_match.c: the text of a field of POLICY_KIND_TEXT, the value of one of POLICY_KIND_FLAG. */
struct span policy_field_text(struct policy *policy, enum policy_field field);
bool policy_field_flag(struct policy *policy, enum policy_field field);

/* The next field of the condition's header, known to the table or not; its value without folds. */
struct sip_header;
const struct sip_header *policy_next_header(struct policy *policy, const struct policy_condition *condition,
                                            const struct sip_header *after);
struct span policy_header_value(struct policy *policy, const struct sip_header *header);

/* policy_index.c: made once the rules are read; NULL in `policy` where a walk costs less. */
MUST_CHECK enum err policy_index_make(struct policy *policy);
/* The rules that can fit the request; and, whenever the directory has been asked, those that its answer leaves. */
void policy_index_ask(struct policy *policy, struct facts_items *out_rules);
void policy_index_narrow(const struct policy *policy, struct facts_items *rules);

/* policy_record.c */

/* Asks the host once a decision; POLICY_STATE_COUNT: the directory cannot be read. */
enum policy_state policy_record_state(struct policy *policy);
/* Asks the host once a decision who sent the request; empty: nobody is proven.  False: it cannot be known now. */
bool policy_identify(struct policy *policy, struct span *out_aor);
/* "192.0.2.1", "2001:db8::1"; empty for an unknown peer. */
struct span policy_peer_text(const struct policy_peer *peer, char out[POLICY_IP_TEXT_MAX]);
/* "sip:user@host", escaped; at == NULL when it does not fit. */
struct span policy_aor_text(const struct policy_request *request, char *out, size_t cap);

/* policy_program.c: zeroed memory that lives as long as the policy, which calls `done` (may be NULL) on it before it is
 * freed; NULL when there is none. */
void *policy_keep(struct policy *policy, size_t len, void (*done)(void *bytes));
/* A terminated copy; at == NULL when there is no memory. */
struct span policy_keep_text(struct policy *policy, struct span text);
/* policy_schema.c: reads the value that policy.lua returned, at the top of the stack, into `policy`. */
MUST_CHECK enum err policy_schema_read(struct policy *policy, struct fault *fault);

/* policy_when.c: compiles the `when` table at `index`; `line` is for errors. */
MUST_CHECK enum err policy_when_read(struct policy *policy, int index, struct policy_when *out_when, char *text,
                                     size_t text_cap);

/* policy_data.c */
struct facts_set *policy_data_find(const struct policy_program *program, struct span name);
MUST_CHECK enum err policy_data_read(struct policy *policy, int index, struct fault *fault);
MUST_CHECK enum err policy_shared_read(struct policy *policy, int index, struct fault *fault);

/* Tables that a constructor of ours made, by class (vm_class.h's metatables). */
enum policy_class { POLICY_CLASS_POLICY, POLICY_CLASS_MATCH, POLICY_CLASS_DATA, POLICY_CLASS_SHARED };

/* One binding a file; each is called once a VM, in protected mode, and sets its globals. */
void policy_lua_verdict_open(lua_State *L, struct policy *policy);
void policy_lua_match_open(lua_State *L);
void policy_lua_host_open(lua_State *L, struct policy *policy);
void policy_lua_request_open(lua_State *L, struct policy *policy);
/* Pushes `env`: the policy's sets and shared tables by name. */
void policy_lua_environment_push(lua_State *L, struct policy *policy);
/* Pushes a new `req` (allocates: in protected mode only). */
void policy_lua_request_push(lua_State *L, struct policy *policy);
void policy_lua_call_push(lua_State *L, const struct policy_call *call);

/* The verdict at `index` into `answer`, with its texts in the policy (`keep`) or in the decision's arena.  False, with
 * a reason in `text`, when it is no verdict or not a good one.  Raises nothing, allocates nothing in Lua. */
bool policy_lua_verdict_read(struct policy *policy, int index, bool keep, struct policy_answer *answer, char *text,
                             size_t text_cap);
