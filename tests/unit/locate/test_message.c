/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages byte by byte: what is read, and that nothing beyond is. */
#include "locate/locate_ares.h"
#include "support/cmocka_all.h"
#include "support/page_guard.h"
#include "util/random.h"

#include <stdlib.h>

enum { T_A = 1, T_CNAME = 5, T_SOA = 6, T_AAAA = 28, T_SRV = 33, T_NAPTR = 35, T_TXT = 16 };

struct packet {
    struct buffer out;
    char bytes[65536];
    unsigned answers, authorities;
};

static struct locate_message *message; /* the last one that was read */

static void u16(struct packet *packet, unsigned value)
{
    buffer_add_byte(&packet->out, (char)(value >> 8));
    buffer_add_byte(&packet->out, (char)value);
}

static void u32(struct packet *packet, uint32_t value)
{
    u16(packet, value >> 16);
    u16(packet, value & 0xffff);
}

static void name(struct packet *packet, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, ".");
        buffer_add_byte(&packet->out, (char)len);
        buffer_add(&packet->out, text, len);
        text += len + (text[len] == '.');
    }
    buffer_add_byte(&packet->out, 0);
}

static struct packet *begin(const char *question, unsigned type)
{
    struct packet *packet = calloc(1, sizeof(*packet));
    assert_non_null(packet);
    packet->out = buffer_over(packet->bytes, sizeof(packet->bytes));
    buffer_add(&packet->out, "\x12\x34\x81\x80\0\1\0\0\0\0\0\0", 12);
    name(packet, question);
    u16(packet, type);
    u16(packet, 1);
    return packet;
}

/* A record up to its data; returns where the data's length stands. */
static size_t record(struct packet *packet, const char *owner, unsigned type, uint32_t ttl_s)
{
    name(packet, owner);
    u16(packet, type);
    u16(packet, 1);
    u32(packet, ttl_s);
    u16(packet, 0);
    packet->bytes[7] = (char)++packet->answers;
    packet->bytes[6] = (char)(packet->answers >> 8);
    return packet->out.len - 2;
}

static void end(struct packet *packet, size_t at)
{
    size_t len = packet->out.len - at - 2;
    packet->bytes[at] = (char)(len >> 8);
    packet->bytes[at + 1] = (char)len;
}

static void a(struct packet *packet, const char *owner, uint32_t ttl_s, uint32_t ip)
{
    size_t at = record(packet, owner, T_A, ttl_s);
    u32(packet, ip);
    end(packet, at);
}

static void cname(struct packet *packet, const char *owner, const char *target)
{
    size_t at = record(packet, owner, T_CNAME, 50);
    name(packet, target);
    end(packet, at);
}

static void soa(struct packet *packet, uint32_t ttl_s, uint32_t minimum_s)
{
    size_t at = record(packet, "example", T_SOA, ttl_s);
    name(packet, "ns.example");
    name(packet, "root.example");
    for (int i = 0; i < 4; i++)
        u32(packet, 1);
    u32(packet, minimum_s);
    end(packet, at);
    packet->answers--;
    packet->bytes[7] = (char)packet->answers;
    packet->bytes[9] = (char)++packet->authorities;
}

/* Reads the bytes at the edge of a page. */
static struct locate_answer read_bytes(struct span bytes, enum locate_type type, const char *wanted)
{
    struct page_guard guard = page_guard_new(bytes.len);
    char *at = page_guard_end(&guard, bytes.len);
    if (bytes.len)
        memcpy(at, bytes.at, bytes.len);
    struct locate_answer answer;
    locate_message_read(span_make(at, bytes.len), type, span_of(wanted), message, &answer);
    page_guard_done(&guard);
    return answer;
}

static struct locate_answer finish(struct packet *packet, enum locate_type type, const char *wanted)
{
    assert_false(packet->out.overflow);
    struct locate_answer answer = read_bytes(buffer_span(&packet->out), type, wanted);
    free(packet);
    return answer;
}

static void test_addresses(void **state)
{
    (void)state;
    struct packet *packet = begin("a.example", T_A);
    a(packet, "A.Example", 300, 0xc0000201);
    a(packet, "other.example", 1, 0xc0000209);
    a(packet, "a.example", 60, 0xc0000202);
    struct locate_answer answer = finish(packet, LOCATE_A, "a.example");
    assert_int_equal(answer.status, LOCATE_FOUND);
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.ttl_s, 60);
    assert_int_equal(answer.records[1].address.ip[3], 2);
    packet = begin("a.example", T_AAAA);
    size_t at = record(packet, "a.example", T_AAAA, 5);
    buffer_add(&packet->out, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    end(packet, at);
    at = record(packet, "a.example", T_AAAA, 5);
    buffer_add(&packet->out, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16); /* ::ffff:127.0.0.1 */
    end(packet, at);
    answer = finish(packet, LOCATE_AAAA, "a.example");
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.records[0].address.family, NET_FAMILY_IP6);
    assert_int_equal(answer.records[1].address.family, NET_FAMILY_IP4); /* is judged as what it is */
}

static void test_services(void **state)
{
    (void)state;
    struct packet *packet = begin("_sip._udp.example", T_SRV);
    size_t at = record(packet, "_sip._udp.example", T_SRV, 100);
    u16(packet, 1);
    u16(packet, 2);
    u16(packet, 5070);
    name(packet, "Host.Example");
    end(packet, at);
    at = record(packet, "_sip._udp.example", T_SRV, 100);
    u16(packet, 3);
    u16(packet, 4);
    u16(packet, 0);
    name(packet, "");
    end(packet, at);
    struct locate_answer answer = finish(packet, LOCATE_SRV, "_sip._udp.example");
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.records[0].order, 1);
    assert_int_equal(answer.records[0].weight, 2);
    assert_int_equal(answer.records[0].port, 5070);
    assert_true(span_equal(answer.records[0].name, SPAN("host.example")));
    assert_int_equal(answer.records[1].name.len, 0);
}

static void naptr(struct packet *packet, const char *flags, const char *service, const char *target)
{
    size_t at = record(packet, "example", T_NAPTR, 100);
    u16(packet, 10);
    u16(packet, 20);
    buffer_add_byte(&packet->out, (char)strlen(flags));
    buffer_add_text(&packet->out, flags);
    buffer_add_byte(&packet->out, (char)strlen(service));
    buffer_add_text(&packet->out, service);
    buffer_add_byte(&packet->out, 0);
    name(packet, target);
    end(packet, at);
}

static void test_pointers_to_services(void **state)
{
    (void)state;
    struct packet *packet = begin("example", T_NAPTR);
    naptr(packet, "S", "sip+d2u", "_sip._udp.example");
    naptr(packet, "", "E2U+a+service+that+is+long", "x.example");
    naptr(packet, "su", "SIP+D2T", "x.example");
    struct locate_answer answer = finish(packet, LOCATE_NAPTR, "example");
    assert_int_equal(answer.count, 3);
    assert_int_equal(answer.records[0].flag, 's');
    assert_string_equal(answer.records[0].service, "SIP+D2U");
    assert_int_equal(answer.records[0].order, 10);
    assert_int_equal(answer.records[0].weight, 20);
    assert_int_equal(answer.records[1].flag, 0);
    assert_string_equal(answer.records[1].service, "");
    assert_int_equal(answer.records[2].flag, 0);
}

static void test_aliases(void **state)
{
    (void)state;
    struct packet *packet = begin("a.example", T_A);
    a(packet, "c.example", 300, 0xc0000201);
    cname(packet, "b.example", "c.example");
    cname(packet, "a.example", "b.example");
    struct locate_answer answer = finish(packet, LOCATE_A, "a.example");
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.records[0].type, LOCATE_A);
    assert_int_equal(answer.ttl_s, 50);
    /* One that leads out of the message has to be asked for. */
    packet = begin("a.example", T_A);
    cname(packet, "a.example", "b.example");
    cname(packet, "b.example", "z.example");
    answer = finish(packet, LOCATE_A, "a.example");
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.records[0].type, LOCATE_ALIAS);
    assert_true(span_equal(answer.records[0].name, SPAN("z.example")));
    /* And a ring of them is an alias still. */
    packet = begin("a.example", T_A);
    cname(packet, "a.example", "b.example");
    cname(packet, "b.example", "a.example");
    answer = finish(packet, LOCATE_A, "a.example");
    assert_int_equal(answer.records[0].type, LOCATE_ALIAS);
}

static void test_absences_and_how_long_they_last(void **state)
{
    (void)state;
    struct locate_answer answer = finish(begin("a.example", T_A), LOCATE_A, "a.example");
    assert_int_equal(answer.status, LOCATE_NONE);
    assert_int_equal(answer.ttl_s, 0);
    struct packet *packet = begin("a.example", T_A);
    soa(packet, 900, 120);
    answer = finish(packet, LOCATE_A, "a.example");
    assert_int_equal(answer.status, LOCATE_NONE);
    assert_int_equal(answer.ttl_s, 120);
    packet = begin("a.example", T_A);
    soa(packet, 30, 120);
    assert_int_equal(finish(packet, LOCATE_A, "a.example").ttl_s, 30);
}

static void test_huge_answers_are_cut(void **state)
{
    (void)state;
    struct packet *packet = begin("a.example", T_A);
    for (unsigned i = 0; i < 900; i++)
        a(packet, "a.example", 300, 0xc0000200 + i);
    assert_int_equal(finish(packet, LOCATE_A, "a.example").count, LOCATE_RECORDS_MAX);
}

static void test_a_ttl_with_its_sign_set_is_none(void **state)
{
    (void)state;
    struct packet *packet = begin("a.example", T_A);
    a(packet, "a.example", 0x80000001u, 1);
    assert_int_equal(finish(packet, LOCATE_A, "a.example").ttl_s, 0);
}

/* Every cut of a message that has all kinds of records, and every byte of it changed: it is read or it is not, and
 * nothing is touched beyond its end (the page behind it). */
static void test_damaged_messages(void **state)
{
    (void)state;
    static const char *const questions[] = {"example", "_sip._udp.example", "a.example", "a.example"};
    struct packet *packet = begin("example", T_NAPTR);
    naptr(packet, "s", "SIP+D2U", "_sip._udp.example");
    cname(packet, "a.example", "b.example");
    a(packet, "b.example", 300, 1);
    size_t at = record(packet, "_sip._udp.example", T_SRV, 100);
    u32(packet, 1);
    u16(packet, 5060);
    buffer_add(&packet->out, "\xc0\x0c", 2); /* compressed: "example" */
    end(packet, at);
    soa(packet, 1, 1);
    struct span whole = buffer_span(&packet->out);
    for (size_t len = 0; len < whole.len; len++)
        for (int type = LOCATE_A; type <= LOCATE_NAPTR; type++)
            read_bytes(span_slice(whole, 0, len), (enum locate_type)type, questions[LOCATE_NAPTR - type]);
    struct random random;
    random_seed(&random, 3);
    for (unsigned i = 0; i < 20000; i++) {
        size_t where = random_below(&random, whole.len);
        char kept = packet->bytes[where];
        packet->bytes[where] = (char)random_u64(&random);
        int type = (int)random_below(&random, 4);
        struct locate_answer answer = read_bytes(whole, (enum locate_type)type, questions[LOCATE_NAPTR - type]);
        assert_true(answer.count <= LOCATE_RECORDS_MAX);
        packet->bytes[where] = kept;
    }
    free(packet);
}

static void test_what_is_no_message(void **state)
{
    (void)state;
    assert_int_equal(read_bytes(SPAN(""), LOCATE_A, "a").status, LOCATE_FAILED);
    assert_int_equal(read_bytes(SPAN("abc"), LOCATE_A, "a").status, LOCATE_FAILED);
    assert_int_equal(read_bytes(SPAN("\0\0\0\0\0\2\0\0\0\0\0\0"), LOCATE_A, "a").status, LOCATE_FAILED);
    struct packet *packet = begin("a.example", T_A);
    size_t at = record(packet, "a.example", T_A, 1);
    u16(packet, 1);
    end(packet, at); /* an address of two bytes */
    assert_int_equal(finish(packet, LOCATE_A, "a.example").status, LOCATE_FAILED);
}

static int setup(void **state)
{
    (void)state;
    message = malloc(sizeof(*message));
    return message ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(message);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_services),
        cmocka_unit_test(test_pointers_to_services),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_absences_and_how_long_they_last),
        cmocka_unit_test(test_huge_answers_are_cut),
        cmocka_unit_test(test_a_ttl_with_its_sign_set_is_none),
        cmocka_unit_test(test_damaged_messages),
        cmocka_unit_test(test_what_is_no_message),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
