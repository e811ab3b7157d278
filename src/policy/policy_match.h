/* SPDX-License-Identifier: Apache-2.0 */
/* `when`: conditions that C evaluates, so that they cannot loop, make no garbage and never enter Lua. */
#pragma once

#include "facts/facts_block.h"
#include "facts/facts_glob.h"
#include "facts/facts_hours.h"
#include "util/err.h"
#include "util/span.h"

struct facts_set;
struct policy;

/* X(name in Lua, constant, kind, without regard to case) */
#define POLICY_FIELD_TABLE(X)                                                                                          \
    X("method", METHOD, POLICY_KIND_TEXT, false)                                                                       \
    X("user", USER, POLICY_KIND_TEXT, false)                                                                           \
    X("host", HOST, POLICY_KIND_TEXT, true)                                                                            \
    X("number", NUMBER, POLICY_KIND_TEXT, false)                                                                       \
    X("aor", AOR, POLICY_KIND_TEXT, false)                                                                             \
    X("user_agent", USER_AGENT, POLICY_KIND_TEXT, true)                                                                \
    X("from_user", FROM_USER, POLICY_KIND_TEXT, false)                                                                 \
    X("from_host", FROM_HOST, POLICY_KIND_TEXT, true)                                                                  \
    X("to_user", TO_USER, POLICY_KIND_TEXT, false)                                                                     \
    X("to_host", TO_HOST, POLICY_KIND_TEXT, true)                                                                      \
    X("call_id", CALL_ID, POLICY_KIND_TEXT, false)                                                                     \
    X("identity", IDENTITY, POLICY_KIND_TEXT, false)                                                                   \
    X("transport", TRANSPORT, POLICY_KIND_TEXT, true)                                                                  \
    X("body_type", BODY_TYPE, POLICY_KIND_TEXT, true)                                                                  \
    X("header", HEADER, POLICY_KIND_HEADER, true)                                                                      \
    X("source", SOURCE, POLICY_KIND_SOURCE, false)                                                                     \
    X("trusted", TRUSTED, POLICY_KIND_FLAG, false)                                                                     \
    X("in_dialog", IN_DIALOG, POLICY_KIND_FLAG, false)                                                                 \
    X("hours", HOURS, POLICY_KIND_HOURS, false)                                                                        \
    X("after", AFTER, POLICY_KIND_TIME, false)                                                                         \
    X("before", BEFORE, POLICY_KIND_TIME, false)                                                                       \
    X("authenticated_as", AUTHENTICATED_AS, POLICY_KIND_TEXT, false)                                                   \
    X("authenticated", AUTHENTICATED, POLICY_KIND_FLAG, false)                                                         \
    X("state", STATE, POLICY_KIND_STATE, false)

enum policy_field {
#define X(name, constant, kind, nocase) POLICY_FIELD_##constant,
    POLICY_FIELD_TABLE(X)
#undef X
        POLICY_FIELD_COUNT
};

/* What sort of thing a field is, and so what may be said about it. */
enum policy_kind {
    POLICY_KIND_TEXT,
    POLICY_KIND_HEADER, /* text that may be there several times: any of them counts */
    POLICY_KIND_SOURCE,
    POLICY_KIND_FLAG,
    POLICY_KIND_HOURS,
    POLICY_KIND_TIME,
    POLICY_KIND_STATE
};

enum policy_op {
    POLICY_OP_EQUAL, /* text */
    POLICY_OP_GLOB,
    POLICY_OP_PREFIX,
    POLICY_OP_SET,
    POLICY_OP_TARGET,  /* the text is the target's AOR */
    POLICY_OP_PRESENT, /* there and not empty */
    POLICY_OP_CIDR,
    POLICY_OP_STATES, /* bits */
    POLICY_OP_FLAG,
    POLICY_OP_HOURS,
    POLICY_OP_AFTER, /* from this second on */
    POLICY_OP_BEFORE,
    POLICY_OP_ANY,
    POLICY_OP_ALL,
    POLICY_OP_NOT
};

struct policy_match {
    enum policy_op op;
    bool nocase;
    union {
        struct span text;          /* EQUAL, PREFIX */
        struct facts_glob *glob;   /* GLOB */
        struct facts_set *set;     /* SET; borrowed from the program */
        struct facts_block cidr;   /* CIDR */
        unsigned states;           /* STATES */
        bool flag;                 /* FLAG */
        struct facts_hours *hours; /* HOURS */
        int64_t at_ms;             /* AFTER, BEFORE */
        struct {
            struct policy_match *list;
            unsigned count;
        } items; /* ANY, ALL; NOT has one */
    };
};

struct policy_condition {
    enum policy_field field;
    unsigned char header_id; /* HEADER */
    struct span header;      /* HEADER: its name */
    struct policy_match match;
};

struct policy_when {
    struct policy_condition *list;
    unsigned count;
};

const char *policy_field_name(enum policy_field field);
enum policy_kind policy_field_kind(enum policy_field field);
bool policy_field_nocase(enum policy_field field);
bool policy_field_parse(const char *name, enum policy_field *out_field);
/* All names, for suggestions: POLICY_FIELD_COUNT of them. */
const char *const *policy_field_names(void);

/* Whether all conditions hold for the request under decision.  ERR_FULL: the request is so large and the rules so many
 * that the scan's budget ran out; other errors: the directory cannot be read. */
MUST_CHECK enum err policy_when_holds(struct policy *policy, const struct policy_when *when, bool *out_holds);
