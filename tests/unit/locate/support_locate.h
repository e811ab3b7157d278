/* SPDX-License-Identifier: Apache-2.0 */
/* A DNS in memory: lines of zone text that tests can read. */
#pragma once

#include "locate/locate_priv.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { DNS_ANSWERS = 64, DNS_ASKED = 256 };

struct dns_answer {
    enum locate_type type;
    const char *name;
    struct locate_answer answer;
    struct locate_record records[LOCATE_RECORDS_MAX + 8];
    char names[LOCATE_RECORDS_MAX + 8][LOCATE_NAME_MAX + 1];
};

struct dns {
    struct dns_answer answers[DNS_ANSWERS];
    unsigned count;
    struct {
        enum locate_type type;
        char name[LOCATE_NAME_MAX + 1];
        uint64_t id;
    } asked[DNS_ASKED];
    unsigned asked_count;
    enum err refuse;
    bool is_prompt; /* answers before ask() returns */
    struct locate_table *table;
};

static inline struct dns_answer *dns_find(struct dns *dns, enum locate_type type, struct span name)
{
    for (unsigned i = 0; i < dns->count; i++)
        if (dns->answers[i].type == type && span_equal(span_of(dns->answers[i].name), name))
            return &dns->answers[i];
    return NULL;
}

static inline struct dns_answer *dns_answer(struct dns *dns, enum locate_type type, const char *name)
{
    struct dns_answer *found = dns_find(dns, type, span_of(name));
    if (found)
        return found;
    assert_true(dns->count < DNS_ANSWERS);
    found = &dns->answers[dns->count++];
    *found = (struct dns_answer){.type = type, .name = name, .answer = {.ttl_s = 60}};
    found->answer.records = found->records;
    return found;
}

static inline struct locate_record *dns_add(struct dns *dns, enum locate_type type, const char *name,
                                            const char *target)
{
    struct dns_answer *answer = dns_answer(dns, type, name);
    unsigned at = answer->answer.count++;
    assert_true(at < LOCATE_RECORDS_MAX + 8);
    snprintf(answer->names[at], sizeof(answer->names[at]), "%s", target);
    answer->records[at] = (struct locate_record){.type = (uint8_t)type, .name = span_of(answer->names[at])};
    return &answer->records[at];
}

static inline void dns_a(struct dns *dns, const char *name, const char *ip)
{
    enum locate_type type = strchr(ip, ':') ? LOCATE_AAAA : LOCATE_A;
    struct locate_record *record = dns_add(dns, type, name, "");
    assert_int_equal(net_address_parse_ip(span_of(ip), 0, &record->address), OK);
}

static inline void dns_srv(struct dns *dns, const char *name, unsigned priority, unsigned weight, unsigned port,
                           const char *target)
{
    struct locate_record *record = dns_add(dns, LOCATE_SRV, name, target);
    record->order = (uint16_t)priority;
    record->weight = (uint16_t)weight;
    record->port = (uint16_t)port;
}

static inline void dns_naptr(struct dns *dns, const char *name, unsigned order, unsigned preference,
                             const char *service, const char *target)
{
    struct locate_record *record = dns_add(dns, LOCATE_NAPTR, name, target);
    record->order = (uint16_t)order;
    record->weight = (uint16_t)preference;
    record->flag = 's';
    snprintf(record->service, sizeof(record->service), "%s", service);
}

/* In answer to `type`: the name is another one's. */
static inline void dns_alias(struct dns *dns, enum locate_type type, const char *name, const char *target)
{
    dns_add(dns, type, name, target)->type = LOCATE_ALIAS;
}

static inline void dns_status(struct dns *dns, enum locate_type type, const char *name, enum locate_status status)
{
    dns_answer(dns, type, name)->answer.status = status;
}

/* What is not in the zone is not there. */
static inline const struct locate_answer *dns_look(struct dns *dns, enum locate_type type, struct span name)
{
    static const struct locate_answer none = {.status = LOCATE_NONE, .ttl_s = 30};
    const struct dns_answer *found = dns_find(dns, type, name);
    return found ? &found->answer : &none;
}

static inline void dns_note(struct dns *dns, uint64_t id, enum locate_type type, struct span name)
{
    assert_true(dns->asked_count < DNS_ASKED);
    unsigned at = dns->asked_count++;
    dns->asked[at].type = type;
    dns->asked[at].id = id;
    assert_true(span_copy(name, dns->asked[at].name, sizeof(dns->asked[at].name)));
}

static inline const struct locate_answer *dns_view(void *ctx, enum locate_type type, struct span name)
{
    dns_note(ctx, 0, type, name);
    return dns_look(ctx, type, name);
}

static inline void dns_reply(struct dns *dns, unsigned index)
{
    struct span name = span_of(dns->asked[index].name);
    locate_table_answer(dns->table, dns->asked[index].id, dns_look(dns, dns->asked[index].type, name));
}

static inline enum err dns_ask(void *ctx, uint64_t id, enum locate_type type, struct span name)
{
    struct dns *dns = ctx;
    if (dns->refuse != OK)
        return dns->refuse;
    dns_note(dns, id, type, name);
    if (dns->is_prompt)
        dns_reply(dns, dns->asked_count - 1);
    return OK;
}

/* "UDP 192.0.2.1:5060, TCP [::1]:5060" */
static inline const char *hops_text(const struct locate_hops *hops)
{
    static char text[LOCATE_HOPS_MAX * 80];
    struct buffer out = buffer_over(text, sizeof(text) - 1);
    for (unsigned i = 0; i < hops->count; i++) {
        buffer_add_text(&out, i ? ", " : "");
        buffer_add_text(&out, net_transport_name((enum net_transport)hops->hops[i].transport));
        buffer_add_text(&out, " ");
        net_address_format(&hops->hops[i].address, &out);
    }
    text[out.len] = '\0';
    return text;
}
