/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the DNS from their bytes (RFC 1035 4, RFC 2782, RFC 3403): c-ares' own readers leave the TTLs of SRV and
 * NAPTR records out. */
#include "locate/locate_ares.h"
#include <ares.h>
#include <arpa/nameser.h>

struct reader {
    struct span bytes;
    size_t at;
    bool failed;
};

enum { HEADER_LEN = 12, RECORDS_READ_MAX = 1024, NAME_BUFFER = LOCATE_NAME_MAX + 1 };

/* The owner, type and place of one record. */
struct raw {
    char owner[NAME_BUFFER];
    size_t owner_len;
    unsigned type, class;
    uint32_t ttl_s;
    size_t at, len; /* its data */
};

static unsigned take_u16(struct reader *reader)
{
    if (reader->failed || reader->at + 2 > reader->bytes.len) {
        reader->failed = true;
        return 0;
    }
    const unsigned char *byte = (const unsigned char *)reader->bytes.at + reader->at;
    reader->at += 2;
    return (unsigned)byte[0] << 8 | byte[1];
}

/* In lower case; empty when it is the root, or longer than any that we would ask for. */
static size_t take_name(struct reader *reader, char out[NAME_BUFFER])
{
    char *name = NULL;
    long len = 0;
    const unsigned char *bytes = (const unsigned char *)reader->bytes.at;
    if (reader->failed || reader->at >= reader->bytes.len ||
        ares_expand_name(bytes + reader->at, bytes, (int)reader->bytes.len, &name, &len) != ARES_SUCCESS) {
        reader->failed = true;
        return 0;
    }
    reader->at += (size_t)len;
    size_t chars = strlen(name);
    if (chars > LOCATE_NAME_MAX)
        chars = 0;
    for (size_t i = 0; i < chars; i++)
        out[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
    ares_free_string(name);
    return chars;
}

static struct span take_text(struct reader *reader)
{
    if (reader->failed || reader->at >= reader->bytes.len) {
        reader->failed = true;
        return span_make(NULL, 0);
    }
    size_t len = (unsigned char)reader->bytes.at[reader->at];
    struct span text = span_slice(reader->bytes, reader->at + 1, reader->at + 1 + len);
    reader->failed |= text.len != len;
    reader->at += 1 + len;
    return text;
}

static bool take_raw(struct reader *reader, struct raw *out)
{
    out->owner_len = take_name(reader, out->owner);
    out->type = take_u16(reader);
    out->class = take_u16(reader);
    uint32_t high = take_u16(reader);
    out->ttl_s = high << 16 | take_u16(reader);
    if (out->ttl_s > INT32_MAX)
        out->ttl_s = 0; /* RFC 2181 8 */
    out->len = take_u16(reader);
    out->at = reader->at;
    if (reader->failed || reader->bytes.len - reader->at < out->len) {
        reader->failed = true;
        return false;
    }
    reader->at += out->len;
    return true;
}

static unsigned wire_type(enum locate_type type)
{
    static const uint16_t types[] = {
        [LOCATE_A] = ns_t_a, [LOCATE_AAAA] = ns_t_aaaa, [LOCATE_SRV] = ns_t_srv, [LOCATE_NAPTR] = ns_t_naptr};
    return types[type];
}

static struct span keep_name(struct locate_message *message, const char *name, size_t len)
{
    char *at = message->names + message->names_len;
    if (len)
        memcpy(at, name, len);
    message->names_len += len;
    return span_make(at, len);
}

static void read_naptr(struct reader *data, struct locate_record *record)
{
    record->order = (uint16_t)take_u16(data);
    record->weight = (uint16_t)take_u16(data);
    struct span flags = take_text(data);
    struct span service = take_text(data);
    (void)take_text(data); /* a regular expression, which SIP does not use (RFC 3263 4.1) */
    if (flags.len == 1)
        record->flag = flags.at[0] >= 'A' && flags.at[0] <= 'Z' ? (char)(flags.at[0] + 32) : flags.at[0];
    if (!span_copy(service, record->service, sizeof(record->service)))
        return;
    for (char *c = record->service; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 32);
}

static bool read_address(const struct reader *reader, const struct raw *raw, struct net_address *out)
{
    bool is_ip4 = raw->type == ns_t_a;
    if (raw->len != (is_ip4 ? 4u : 16u))
        return false;
    *out = (struct net_address){.family = is_ip4 ? NET_FAMILY_IP4 : NET_FAMILY_IP6};
    memcpy(out->ip, reader->bytes.at + raw->at, raw->len);
    struct sockaddr_storage native;
    net_address_to_sockaddr(out, &native); /* and back: a mapped address becomes what it stands for */
    return net_address_from_sockaddr((struct sockaddr *)&native, out) == OK;
}

/* The data of one record of the type that was asked for; false when it is malformed. */
static bool read_record(const struct reader *reader, const struct raw *raw, enum locate_type type,
                        struct locate_message *message, struct locate_record *out)
{
    /* Names in it may point back to the whole message, but its fields end with it. */
    struct reader data = {span_slice(reader->bytes, 0, raw->at + raw->len), raw->at, false};
    char name[NAME_BUFFER];
    *out = (struct locate_record){.type = (uint8_t)type};
    if (type == LOCATE_A || type == LOCATE_AAAA)
        return read_address(reader, raw, &out->address);
    if (type == LOCATE_NAPTR) {
        read_naptr(&data, out);
    } else if (type == LOCATE_SRV) {
        out->order = (uint16_t)take_u16(&data);
        out->weight = (uint16_t)take_u16(&data);
        out->port = (uint16_t)take_u16(&data);
    }
    size_t len = take_name(&data, name);
    out->name = keep_name(message, name, len);
    return !data.failed;
}

/* The records of the section that begins at `from`, those of one owner and type; its alias instead when it has one. */
static bool read_section(struct reader reader, unsigned count, enum locate_type type, struct span owner,
                         struct locate_message *message, struct locate_answer *out)
{
    struct raw raw;
    out->count = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!take_raw(&reader, &raw))
            return false;
        bool is_alias = raw.type == ns_t_cname;
        if (raw.class != ns_c_in || !span_equal(span_make(raw.owner, raw.owner_len), owner) ||
            (!is_alias && raw.type != wire_type(type)) || out->count == LOCATE_RECORDS_MAX)
            continue;
        struct locate_record *record = &message->records[out->count];
        if (!read_record(&reader, &raw, is_alias ? LOCATE_ALIAS : type, message, record))
            return false;
        out->ttl_s = raw.ttl_s < out->ttl_s ? raw.ttl_s : out->ttl_s;
        if (is_alias)
            message->records[0] = *record;
        out->count = is_alias ? 1 : out->count + 1;
        if (is_alias)
            break;
    }
    return true;
}

/* How long an absence may be remembered (RFC 2308 5): not at all without a SOA record. */
static uint32_t absence_ttl(struct reader reader, unsigned answers, unsigned authorities)
{
    struct raw raw;
    for (unsigned i = 0; i < answers + authorities; i++) {
        if (!take_raw(&reader, &raw))
            return 0;
        if (i < answers || raw.type != ns_t_soa || raw.len < 4)
            continue;
        struct reader minimum = {reader.bytes, raw.at + raw.len - 4, false};
        uint32_t high = take_u16(&minimum);
        uint32_t seconds = high << 16 | take_u16(&minimum);
        return seconds < raw.ttl_s ? seconds : raw.ttl_s;
    }
    return 0;
}

static void follow(struct reader reader, unsigned answers, enum locate_type type, struct locate_message *message,
                   struct locate_answer *out)
{
    char alias[NAME_BUFFER];
    for (unsigned links = 0; links < 8 && out->count && out->records[0].type == LOCATE_ALIAS; links++) {
        struct locate_record link = message->records[0];
        struct locate_answer next = {.ttl_s = out->ttl_s, .records = message->records};
        memcpy(alias, link.name.at, link.name.len);
        size_t len = link.name.len;
        message->names_len = 0;
        if (!read_section(reader, answers, type, span_make(alias, len), message, &next)) {
            *out = (struct locate_answer){.status = LOCATE_FAILED};
            return;
        }
        if (!next.count) { /* the rest has to be asked for */
            message->names_len = 0;
            link.name = keep_name(message, alias, len);
            message->records[0] = link;
            return;
        }
        *out = next;
    }
}

void locate_message_read(struct span bytes, enum locate_type type, struct span name, struct locate_message *message,
                         struct locate_answer *out_answer)
{
    struct reader reader = {bytes, 4, false};
    char question[NAME_BUFFER];
    struct locate_answer answer = {.ttl_s = UINT32_MAX, .records = message->records};
    unsigned questions = take_u16(&reader), answers = take_u16(&reader), authorities = take_u16(&reader);
    reader.at = HEADER_LEN;
    message->names_len = 0;
    *out_answer = (struct locate_answer){.status = LOCATE_FAILED};
    if (reader.failed || bytes.len < HEADER_LEN || questions > 1)
        return;
    if (questions) {
        take_name(&reader, question);
        take_u16(&reader);
        take_u16(&reader);
    }
    if (answers > RECORDS_READ_MAX)
        answers = RECORDS_READ_MAX;
    if (reader.failed || !read_section(reader, answers, type, name, message, &answer))
        return;
    follow(reader, answers, type, message, &answer);
    if (answer.status == LOCATE_FOUND && answer.count == 0)
        answer = (struct locate_answer){.status = LOCATE_NONE, .ttl_s = absence_ttl(reader, answers, authorities)};
    *out_answer = answer;
}
