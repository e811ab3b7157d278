/* SPDX-License-Identifier: Apache-2.0 */
/* What the DNS said to one question, and how it is asked: a table of functions, so that tests and c-ares look the same. */
#pragma once

#include "net/net_address.h"

enum locate_type { LOCATE_A, LOCATE_AAAA, LOCATE_SRV, LOCATE_NAPTR, LOCATE_ALIAS /* CNAME: in answers only */ };

enum {
    LOCATE_NAME_MAX = 253,   /* characters of a name, without the last dot */
    LOCATE_RECORDS_MAX = 32, /* of an answer; what is beyond is not looked at */
    LOCATE_SERVICE_MAX = 15, /* characters: "SIPS+D2T" */
    LOCATE_TTL_MAX_S = 86400
};

enum locate_status {
    LOCATE_FOUND,
    LOCATE_NONE,   /* no such name, or no such record */
    LOCATE_FAILED, /* SERVFAIL, refused, malformed */
    LOCATE_TIMED_OUT
};

/* Which fields mean something depends on `type`. */
struct locate_record {
    uint8_t type;               /* enum locate_type */
    char flag;                  /* NAPTR: lower case, 0 when there is none or more than one */
    uint16_t order;             /* NAPTR; SRV: priority */
    uint16_t weight;            /* SRV; NAPTR: preference */
    uint16_t port;              /* SRV */
    struct span name;           /* SRV, NAPTR, alias: the target, lower case, without the last dot; "." is empty */
    struct net_address address; /* A, AAAA; port 0 */
    char service[LOCATE_SERVICE_MAX + 1]; /* NAPTR: upper case; empty when it is too long to be one that we know */
};

/* Borrowed wherever it is handed on. */
struct locate_answer {
    enum locate_status status;
    uint32_t ttl_s; /* the least of all records, or how long their absence may be remembered; 0: not at all */
    unsigned count;
    const struct locate_record *records;
};

/* Asks the DNS.  The answer to `id` comes by locate_table_answer(), exactly once, perhaps before this returns.  An error:
 * it could not be asked, and nothing comes. `name` is lower case, and borrowed for the call. */
struct locate_resolver {
    void *ctx;
    enum err (*ask)(void *ctx, uint64_t id, enum locate_type type, struct span name);
};

/* Whether `name` can be asked for: 1 to 253 characters, labels of 1 to 63 letters, digits, hyphens and underscores. */
bool locate_name_is_fit(struct span name);
