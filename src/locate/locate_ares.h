/* SPDX-License-Identifier: Apache-2.0 */
/* The DNS by c-ares, on a loop that comes in as functions.  One thread. */
#pragma once

#include "locate/locate_answer.h"
#include "util/clock.h"
#include "util/wheel.h"

struct locate_ares;
struct locate_table;

struct locate_ares_options {
    const struct clock *clock; /* borrowed */
    struct wheel *wheel;       /* borrowed */
    char *const *servers;      /* "192.0.2.1:53"; none: the system's (resolv.conf) */
    unsigned server_count;
    void *ctx;
    /* Tell locate_ares_ready() when `fd` can be read or written; neither: leave it alone, it is about to be closed. */
    void (*watch)(void *ctx, int fd, bool readable, bool writable);
};

MUST_CHECK enum err locate_ares_new(const struct locate_ares_options *options, struct locate_ares **out_ares);
/* What is under way is never answered; each socket is given up by watch().  NULL is fine. */
void locate_ares_free(struct locate_ares *ares);
/* Where answers go: set before anything is asked. */
void locate_ares_serve(struct locate_ares *ares, struct locate_table *table);
struct locate_resolver locate_ares_resolver(struct locate_ares *ares);
void locate_ares_ready(struct locate_ares *ares, int fd, bool readable, bool writable);

/* Reads a DNS message that answers a question for `name`.  Names go into `names`; the records of another owner, class or
 * type are passed over, a chain of aliases is followed as far as the message tells.  LOCATE_FAILED in *out_answer when it
 * is malformed.  Both arrays must outlive the answer. */
enum { LOCATE_NAMES_MAX = LOCATE_RECORDS_MAX * (LOCATE_NAME_MAX + 1) };
struct locate_message {
    struct locate_record records[LOCATE_RECORDS_MAX];
    char names[LOCATE_NAMES_MAX];
    size_t names_len;
};
void locate_message_read(struct span bytes, enum locate_type type, struct span name, struct locate_message *message,
                         struct locate_answer *out_answer);
