/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of tests/torture: a message in, an event log out; each is parsed against a protected page at both ends.
 * With an argument, prints the log of that case instead (see tests/torture/README.md). */
#include "support/cmocka_all.h"
#include "support/page_guard.h"

#include "sip/sip_address.h"
#include "sip/sip_reply.h"
#include "sip/sip_text.h"

#include <dirent.h>
#include <stdio.h>

enum { FILE_CAP = 1 << 17, CASES_MAX = 256 };

struct torture {
    char text[FILE_CAP];    /* the file */
    char message[FILE_CAP]; /* its bytes on the wire */
    char log[FILE_CAP];
    struct span expected;
    size_t message_len;
    enum sip_framing framing;
    unsigned answer; /* status to answer with, 0: none */
};

static int hex(char byte)
{
    return byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10;
}

/* One line of a case as bytes: \xHH, \\, and CR LF behind it unless it ends in a lone backslash. */
static void add_line(struct torture *torture, struct span line)
{
    char *out = torture->message + torture->message_len;
    for (size_t at = 0; at < line.len; at++) {
        if (line.at[at] != '\\') {
            *out++ = line.at[at];
        } else if (at + 1 == line.len) {
            torture->message_len = (size_t)(out - torture->message);
            return;
        } else if (line.at[at + 1] == 'x') {
            *out++ = (char)(hex(line.at[at + 2]) * 16 + hex(line.at[at + 3]));
            at += 3;
        } else {
            *out++ = line.at[++at];
        }
    }
    *out++ = '\r';
    *out++ = '\n';
    torture->message_len = (size_t)(out - torture->message);
}

static void read_case(struct torture *torture, const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    struct span rest = span_make(torture->text, fread(torture->text, 1, sizeof(torture->text), file));
    fclose(file);
    torture->message_len = 0;
    torture->framing = SIP_DATAGRAM;
    torture->answer = 0;
    bool head = true;
    while (rest.len) {
        struct span line = span_slice(rest, 0, span_find(rest, '\n'));
        rest = span_slice(rest, line.len + 1, rest.len);
        if (head && span_starts_with(line, SPAN("#")))
            continue;
        if (head && span_equal(line, SPAN("> stream")))
            torture->framing = SIP_STREAM;
        else if (head && span_starts_with(line, SPAN("> answer ")))
            torture->answer = (unsigned)strtoul(line.at + 9, NULL, 10);
        else if (span_equal(line, SPAN("---")))
            break;
        else
            add_line(torture, line);
        head = head && span_starts_with(line, SPAN(">"));
    }
    torture->expected = rest;
}

static void add_visible(struct buffer *log, struct span text)
{
    for (size_t at = 0; at < text.len; at++) {
        unsigned char byte = (unsigned char)text.at[at];
        if (byte < 0x20 || byte == 0x7f)
            buffer_addf(log, "\\x%02x", byte);
        else
            buffer_add_byte(log, (char)byte);
    }
}

static void add_field(struct buffer *log, const char *name, struct span value)
{
    if (!value.at)
        return;
    buffer_addf(log, " %s=", name);
    add_visible(log, value);
}

static void log_uri(struct buffer *log, const struct sip_uri *uri)
{
    static const char *const kinds[] = {"none", "name", "ipv4", "ipv6"};
    static const char *const schemes[] = {"other", "sip", "sips", "tel"};
    buffer_addf(log, " %s", schemes[uri->scheme]);
    if (uri->scheme == SIP_SCHEME_OTHER)
        add_field(log, "text", uri->text);
    add_field(log, "user", uri->user);
    add_field(log, "password", uri->password);
    add_field(log, kinds[uri->host_kind], uri->host);
    if (uri->port)
        buffer_addf(log, " port=%u", uri->port);
    add_field(log, "params", uri->params);
    add_field(log, "headers", uri->headers);
}

static void log_address(struct buffer *log, const char *what, const struct sip_address *address)
{
    buffer_add_text(log, what);
    if (address->star) {
        buffer_add_literal(log, " star\n");
        return;
    }
    if (address->display.at) {
        char text[4096];
        struct buffer display = buffer_over(text, sizeof(text));
        sip_text_display(&display, address->display);
        buffer_add_literal(log, " display=[");
        add_visible(log, buffer_span(&display));
        buffer_add_literal(log, "]");
    }
    log_uri(log, &address->uri);
    add_field(log, "header-params", address->params);
    add_field(log, "tag", address->tag);
    buffer_add_literal(log, "\n");
}

static void log_addresses(struct buffer *log, const struct sip_message *message, enum sip_header_id id)
{
    struct sip_address address;
    struct sip_address_walk walk = sip_address_walk_begin(message, id);
    while (sip_address_walk_next(&walk, &address) == OK)
        log_address(log, sip_header_name(id).at, &address);
}

static void log_vias(struct buffer *log, const struct sip_message *message)
{
    for (const struct sip_header *header = sip_message_header(message, SIP_HEADER_VIA); header;
         header = sip_message_header_next(message, header)) {
        struct span rest = header->value;
        struct sip_via via;
        while (sip_via_next(&rest, &via, NULL) == OK) {
            buffer_add_literal(log, "Via");
            add_field(log, "transport", via.transport_text);
            add_field(log, "host", via.host);
            if (via.port)
                buffer_addf(log, " port=%u", via.port);
            add_field(log, "branch", via.branch);
            if (via.has_rport)
                buffer_addf(log, " rport=%u", via.rport);
            add_field(log, "received", via.received);
            add_field(log, "maddr", via.maddr);
            if (via.ttl)
                buffer_addf(log, " ttl=%u", via.ttl);
            buffer_add_text(log, via.has_cookie ? " rfc3261\n" : " rfc2543\n");
        }
    }
}

static void log_headers(struct buffer *log, const struct sip_message *message)
{
    for (unsigned at = 0; at < message->header_count; at++) {
        const struct sip_header *header = &message->headers[at];
        switch (header->id) {
        case SIP_HEADER_VIA:
        case SIP_HEADER_FROM:
        case SIP_HEADER_TO:
        case SIP_HEADER_CALL_ID:
        case SIP_HEADER_CSEQ:
        case SIP_HEADER_MAX_FORWARDS:
        case SIP_HEADER_CONTACT:
        case SIP_HEADER_ROUTE:
        case SIP_HEADER_RECORD_ROUTE:
        case SIP_HEADER_CONTENT_LENGTH:
            continue;
        default:
            break;
        }
        buffer_add_literal(log, "header ");
        if (header->id == SIP_HEADER_OTHER)
            buffer_add_literal(log, "unknown ");
        add_visible(log, header->id == SIP_HEADER_OTHER ? header->name : sip_header_name(header->id));
        buffer_add_literal(log, ": ");
        sip_text_unfold(log, header->value);
        buffer_add_literal(log, "\n");
    }
}

static void log_message(struct buffer *log, const struct sip_message *message)
{
    if (message->is_request) {
        buffer_add_literal(log, "request ");
        add_visible(log, message->method_text);
        log_uri(log, &message->uri);
        buffer_addf(log, "%s\n", message->method == SIP_METHOD_OTHER ? " unknown-method" : "");
    } else {
        buffer_addf(log, "response %u [", message->status);
        add_visible(log, message->reason);
        buffer_add_literal(log, "]\n");
    }
    log_vias(log, message);
    log_address(log, "From", &message->from);
    log_address(log, "To", &message->to);
    buffer_add_literal(log, "Call-ID ");
    add_visible(log, message->call_id);
    buffer_addf(log, "\nCSeq %u %.*s\n", message->cseq, SPAN_ARG(message->cseq_method_text));
    if (message->max_forwards >= 0)
        buffer_addf(log, "Max-Forwards %d\n", message->max_forwards);
    log_addresses(log, message, SIP_HEADER_CONTACT);
    log_addresses(log, message, SIP_HEADER_ROUTE);
    log_addresses(log, message, SIP_HEADER_RECORD_ROUTE);
    log_headers(log, message);
    buffer_addf(log, "body %zu", message->body.len);
    if (message->trailing)
        buffer_addf(log, " trailing %zu", message->trailing);
    buffer_add_literal(log, "\n");
}

/* The answer, with "| " before each line. */
static void log_answer(struct buffer *log, const struct sip_message *message, unsigned code)
{
    static char bytes[FILE_CAP];
    const struct sip_reply_via via = {.received = SPAN("192.0.2.99"), .rport = 40404};
    struct buffer out = buffer_over(bytes, sizeof(bytes));
    sip_reply_begin(&out, message, code, SPAN(""), &via, SPAN("mytag"));
    sip_reply_end(&out, SPAN(""), SPAN(""));
    assert_false(out.overflow);
    struct span rest = buffer_span(&out);
    while (rest.len) {
        struct span line = span_slice(rest, 0, span_find(rest, '\n'));
        rest = span_slice(rest, line.len + 1, rest.len);
        assert_true(line.len && line.at[line.len - 1] == '\r');
        buffer_add_literal(log, "|");
        if (line.len > 1)
            buffer_add_literal(log, " ");
        add_visible(log, span_slice(line, 0, line.len - 1));
        buffer_add_literal(log, "\n");
    }
}

static struct span run_case(struct torture *torture, struct span bytes)
{
    static struct sip_message message;
    struct sip_problem problem = {0};
    struct buffer log = buffer_over(torture->log, sizeof(torture->log));
    enum err err = sip_message_parse(&message, bytes, torture->framing, &problem);
    if (err == OK) {
        log_message(&log, &message);
        struct span scanned = sip_call_id_scan(bytes);
        assert_true(scanned.at == message.call_id.at && scanned.len == message.call_id.len);
        assert_true(span_equal(sip_field_scan(bytes, SIP_HEADER_TO), sip_message_value(&message, SIP_HEADER_TO)));
    } else {
        buffer_addf(&log, "refused %d at %zu: ", problem.code, problem.offset);
        sip_problem_add(&log, &problem);
        buffer_addf(&log, "\n%s\n", message.answerable ? "answerable" : "silent");
    }
    if (torture->answer && message.answerable)
        log_answer(&log, &message, torture->answer);
    assert_false(log.overflow);
    return buffer_span(&log);
}

static void check_case(struct torture *torture, const char *path, const struct page_guard *guard)
{
    read_case(torture, path);
    struct span wire = span_make(torture->message, torture->message_len);
    for (int end = 0; end < 2; end++) {
        struct span placed = end ? page_guard_put(guard, wire) : page_guard_put_begin(guard, wire);
        struct span log = run_case(torture, placed);
        if (!span_equal(log, torture->expected)) {
            print_error("%s: expected\n%.*sgot\n%.*s", path, SPAN_ARG(torture->expected), SPAN_ARG(log));
            fail();
        }
    }
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void every_case_gives_its_log(void **state)
{
    static struct torture torture;
    struct page_guard guard = page_guard_new(FILE_CAP);
    struct dirent **entries;
    const char *folder = SOURCE_DIR "/tests/torture/cases";
    int found = scandir(folder, &entries, NULL, by_name);
    int run = 0;
    (void)state;
    for (int at = 0; at < found; at++) {
        char path[4096];
        if (entries[at]->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", folder, entries[at]->d_name);
            check_case(&torture, path, &guard);
            run++;
        }
        free(entries[at]);
    }
    free(entries);
    page_guard_done(&guard);
    assert_true(run >= 60);
    print_message("%d cases\n", run);
}

int main(int argc, char **argv)
{
    static struct torture torture;
    if (argc > 1) {
        read_case(&torture, argv[1]);
        struct span log = run_case(&torture, span_make(torture.message, torture.message_len));
        printf("%.*s", SPAN_ARG(log));
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_case_gives_its_log)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
