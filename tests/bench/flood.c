/* SPDX-License-Identifier: Apache-2.0 */
/* Load for loopback in phases, one after another over the same sockets:
 *
 *   flood [-k options|message|call] [-x udp|tcp] [-c CONNECTIONS] [-b SOURCE] [-u USERS] HOST PORT PHASE ...
 *
 *   closed:WINDOW:SECONDS  so many outstanding; what is answered a second is the peak that `x` means afterwards
 *   count:WINDOW:COUNT     the same until so many were answered
 *   open:RATE:SECONDS      so many new ones a second, whatever comes back; "3x" is three times the peak
 *   hold:COUNT             calls that stand: during the next open phase, each is asked something and then ended
 *   pause:SECONDS          nothing is sent
 *
 * Nothing is sent twice.  In mode call one is served when its BYE is answered.  One JSON line a phase:  waits are those of
 * what was served, from the sending of the request to its final answer. */
#include "flood.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENTRIES = 1 << 21, /* of the latest requests */
    DIGITS = 12,
    BIN_US = 10,
    BINS = 1000000,
    HELD_MAX = 4096,
    HELD_TEXT = 320,
    PROBE_EVERY_NS = 10000000,
    GRACE_NS = 300000000,
};

enum state { FREE, ASKED, CALLED, HELD, HELD_ASKED, HELD_ENDED, DONE };

struct entry {
    uint64_t number, sent_ns;
    uint16_t code;
    uint8_t state;
    uint16_t at;
};

/* What a later request of a call says differently. */
struct held {
    uint64_t number;
    char uri[HELD_TEXT], to[HELD_TEXT];
};

struct waits {
    uint32_t bins[BINS];
    uint64_t count;
};

struct text {
    char text[FLOOD_TEXT_MAX];
    size_t len;
    size_t places[8]; /* of the number */
    unsigned place_count;
    size_t users[2]; /* of the user's number */
};

static struct load {
    struct flood_way_options options;
    enum flood_kind kind;
    struct flood_way *way;
    struct text request;
    struct entry *entries;
    struct held held[HELD_MAX];
    unsigned held_count, probe_next;
    uint64_t next, run, phase_first, began_ns, last_unserved_ns, answered;
    bool closed, holds;
    unsigned users; /* "user0000000" and so on, each time another, in no order */
    double peak;
    uint64_t codes[700], twice, unsent, again, requests;
    struct waits *served, *probes;
    uint64_t probes_sent;
} load;

static const char sdp[] =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8\r\n";

/* ---- Waits ---- */

static void note_wait(struct waits *waits, uint64_t ns)
{
    uint64_t bin = ns / 1000 / BIN_US;
    waits->bins[bin < BINS ? bin : BINS - 1]++;
    waits->count++;
}

static double wait_ms(const struct waits *waits, double share)
{
    uint64_t wanted = (uint64_t)((double)waits->count * share), seen = 0;
    if (waits->count == 0)
        return -1;
    for (unsigned i = 0; i < BINS; i++) {
        seen += waits->bins[i];
        if (seen > wanted || (seen == waits->count && seen >= wanted))
            return (double)(i + 1) * BIN_US / 1000;
    }
    return -1;
}

/* ---- Texts ---- */

static void make_request(void)
{
    struct text *out = &load.request;
    bool call = load.kind == FLOOD_CALL;
    const char *method = call ? "INVITE" : load.kind == FLOOD_MESSAGE ? "MESSAGE" : "OPTIONS";
    static const char marker[] = "NNNNNNNNNNNN";
    out->len = (size_t)snprintf(
        out->text, sizeof(out->text),
        "%s sip:user0001234@%s:%u SIP/2.0\r\nVia: SIP/2.0/%s %s:%05u;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\n"
        "From: \"Load\" <sip:caller@%s>;tag=f%s\r\nTo: <sip:user0001234@%s>\r\nCall-ID: %s@%08llx\r\nCSeq: 1 %s\r\n"
        "Contact: <sip:caller@%s:%05u>\r\nUser-Agent: flood\r\n%sContent-Length: %zu\r\n\r\n%s",
        method, load.options.host, load.options.port, load.options.tcp ? "TCP" : "UDP", load.options.source, 0U, marker,
        load.options.source, marker, load.options.host, marker, (unsigned long long)load.run, method,
        load.options.source, 0U, call ? "Content-Type: application/sdp\r\nSupported: timer, replaces\r\n" : "",
        call ? sizeof(sdp) - 1 : 0, call ? sdp : "");
    for (char *at = out->text; (at = strstr(at, marker)) != NULL; at += DIGITS)
        out->places[out->place_count++] = (size_t)(at - out->text);
    const char *first = strstr(out->text, "user0001234"), *second = first ? strstr(first + 1, "user0001234") : NULL;
    out->users[0] = first ? (size_t)(first - out->text) + 4 : 0;
    out->users[1] = second ? (size_t)(second - out->text) + 4 : 0;
}

static void put_number(char *at, uint64_t number)
{
    for (int i = DIGITS; i-- > 0; number >>= 4)
        at[i] = "0123456789abcdef"[number & 15];
}

static void put_port(const char *mark, unsigned port)
{
    char digits[6], *at = strstr(load.request.text, mark);
    snprintf(digits, sizeof(digits), "%05u", port);
    if (at && (at = strstr(at, ":0")) != NULL)
        memcpy(at + 1, digits, 5);
}

static void put_user(uint64_t number)
{
    uint64_t user = number * 2654435761U % 4294967296U * load.users >> 32;
    for (int i = 7; i-- > 0; user /= 10) {
        load.request.text[load.request.users[0] + i] = (char)('0' + user % 10);
        load.request.text[load.request.users[1] + i] = load.request.text[load.request.users[0] + i];
    }
}

static struct entry *entry_of(uint64_t number)
{
    return &load.entries[number & (ENTRIES - 1)];
}

static void send_new(void)
{
    uint64_t number = load.next++;
    unsigned at = (unsigned)(number % load.options.connections);
    for (unsigned i = 0; i < load.request.place_count; i++)
        put_number(load.request.text + load.request.places[i], number);
    if (load.users > 1)
        put_user(number);
    struct entry *entry = entry_of(number);
    *entry = (struct entry){
        .number = number, .sent_ns = flood_now_ns(), .state = load.holds ? HELD : ASKED, .at = (uint16_t)at};
    if (!flood_way_send(load.way, at, (struct flood_text){load.request.text, load.request.len}, load.holds)) {
        entry->state = FREE;
        load.unsent++;
    }
}

/* The value of a header up to the line's end; false: there is none. */
static bool header_of(const char *text, const char *name, char *out, size_t room)
{
    char wanted[32];
    snprintf(wanted, sizeof(wanted), "\r\n%s: ", name);
    const char *at = strstr(text, wanted);
    if (!at)
        return false;
    at += strlen(wanted);
    size_t len = strcspn(at, "\r");
    if (len >= room)
        return false;
    memcpy(out, at, len);
    out[len] = 0;
    return true;
}

/* ACK and whatever else a call sends: `uri` and `to` are the call's, or those of the request. */
static void send_in_call(const struct entry *entry, const char *method, const char *uri, const char *to, unsigned cseq)
{
    char text[FLOOD_TEXT_MAX], number[DIGITS + 1] = {0};
    put_number(number, entry->number);
    bool same_branch = strcmp(method, "ACK") == 0 && cseq == 0;
    int len = snprintf(text, sizeof(text),
                       "%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s:%05u;branch=z9hG4bK%s%s;rport\r\nMax-Forwards: 70\r\n"
                       "From: \"Load\" <sip:caller@%s>;tag=f%s\r\nTo: %s\r\nCall-ID: %s@%08llx\r\nCSeq: %u %s\r\n"
                       "Content-Length: 0\r\n\r\n",
                       method, uri, load.options.tcp ? "TCP" : "UDP", load.options.source,
                       flood_way_port(load.way, entry->at), number, same_branch ? "" : method, load.options.source,
                       number, to, number, (unsigned long long)load.run, cseq ? cseq : 1, method);
    if (!flood_way_send(load.way, entry->at, (struct flood_text){text, (size_t)len}, true))
        load.unsent++;
}

/* ---- What comes back ---- */

static void end_entry(struct entry *entry, bool served)
{
    entry->state = DONE;
    load.answered++;
    if (entry->number >= load.phase_first) {
        if (!served)
            load.last_unserved_ns = entry->sent_ns > load.last_unserved_ns ? entry->sent_ns : load.last_unserved_ns;
    }
    if (load.closed)
        send_new();
}

static void on_invite_answer(struct entry *entry, char *text, unsigned code)
{
    char to[HELD_TEXT], contact[HELD_TEXT], *uri = contact;
    bool first = entry->code == 0;
    if (!header_of(text, "To", to, sizeof(to)))
        return;
    if (code >= 300) {
        snprintf(contact, sizeof(contact), "sip:user0001234@%s:%u", load.options.host, load.options.port);
        send_in_call(entry, "ACK", contact, to, 0);
        if (first)
            end_entry(entry, false);
        return;
    }
    if (!header_of(text, "Contact", contact, sizeof(contact)))
        return;
    if (*uri == '<')
        uri++;
    uri[strcspn(uri, ">")] = 0;
    send_in_call(entry, "ACK", uri, to, 1);
    if (!first) {
        load.again++;
    } else if (entry->state == HELD && load.held_count < HELD_MAX) {
        struct held *held = &load.held[load.held_count++];
        held->number = entry->number;
        snprintf(held->uri, sizeof(held->uri), "%s", uri);
        snprintf(held->to, sizeof(held->to), "%s", to);
        load.answered++;
    } else {
        note_wait(load.served, flood_now_ns() - entry->sent_ns);
        entry->state = CALLED;
        send_in_call(entry, "BYE", uri, to, 2);
    }
}

static void on_probe_answer(struct entry *entry)
{
    note_wait(load.probes, flood_now_ns() - entry->sent_ns);
    if (entry->state == HELD_ENDED) {
        entry->state = DONE;
        return;
    }
    for (unsigned i = 0; i < load.held_count; i++)
        if (load.held[i].number == entry->number) {
            entry->state = HELD_ENDED;
            entry->sent_ns = flood_now_ns();
            load.probes_sent++;
            send_in_call(entry, "BYE", load.held[i].uri, load.held[i].to, 3);
            return;
        }
}

static bool is_final_for(const char *text, const char *method)
{
    char cseq[64];
    return header_of(text, "CSeq", cseq, sizeof(cseq)) &&
           strcmp(strchr(cseq, ' ') ? strchr(cseq, ' ') + 1 : "", method) == 0;
}

static void on_final(struct entry *entry, char *text, unsigned code)
{
    if (is_final_for(text, "INVITE")) {
        if (entry->code && entry->code != code)
            load.twice++;
        if (!entry->code && entry->number >= load.phase_first && code < 700)
            load.codes[code]++;
        on_invite_answer(entry, text, code);
        entry->code = (uint16_t)code;
    } else if (entry->state == CALLED && is_final_for(text, "BYE")) {
        end_entry(entry, true);
    } else if (entry->state == HELD_ASKED || entry->state == HELD_ENDED) {
        on_probe_answer(entry);
    } else if (entry->state == ASKED) {
        bool served = code != 503;
        if (code < 700 && entry->number >= load.phase_first)
            load.codes[code]++;
        if (served && entry->number >= load.phase_first)
            note_wait(load.served, flood_now_ns() - entry->sent_ns);
        end_entry(entry, served);
    } else {
        load.twice += load.kind != FLOOD_CALL;
    }
}

/* What the server asks of us (a BYE, where an ACK was lost) is answered. */
static void on_request(unsigned at, const char *text)
{
    static const char *const kept[] = {"Via", "From", "To", "Call-ID", "CSeq"};
    char out[FLOOD_TEXT_MAX], value[HELD_TEXT];
    int len = snprintf(out, sizeof(out), "SIP/2.0 200 OK\r\n");
    load.requests++;
    for (unsigned i = 0; i < 5; i++)
        if (header_of(text, kept[i], value, sizeof(value)))
            len += snprintf(out + len, sizeof(out) - (size_t)len, "%s: %s\r\n", kept[i], value);
    len += snprintf(out + len, sizeof(out) - (size_t)len, "Content-Length: 0\r\n\r\n");
    flood_way_send(load.way, at, (struct flood_text){out, (size_t)len}, true);
}

static void on_message(void *ctx, unsigned at, char *text, size_t len)
{
    (void)ctx;
    (void)len;
    if (strncmp(text, "SIP/2.0 ", 8) != 0) {
        if (strncmp(text, "ACK ", 4) != 0)
            on_request(at, text);
        return;
    }
    unsigned code = (unsigned)atoi(text + 8);
    const char *id = strstr(text, "\r\nCall-ID: ");
    if (code < 200 || !id)
        return;
    uint64_t number = strtoull(id + 11, NULL, 16);
    struct entry *entry = entry_of(number);
    if (entry->number == number && entry->state != FREE)
        on_final(entry, text, code);
}

/* ---- Phases ---- */

static void begin_phase(bool closed)
{
    memset(load.codes, 0, sizeof(load.codes));
    memset(load.served, 0, sizeof(*load.served));
    memset(load.probes, 0, sizeof(*load.probes));
    load.twice = load.unsent = load.again = load.requests = load.answered = load.probes_sent = 0;
    load.closed = closed;
    load.phase_first = load.next;
    load.last_unserved_ns = 0;
    load.began_ns = flood_now_ns();
}

static void take_for(uint64_t ns)
{
    for (uint64_t end = flood_now_ns() + ns; flood_now_ns() < end;) {
        flood_way_take(load.way, 1, on_message, NULL);
        flood_way_flush(load.way);
    }
}

/* When the last one was sent that was not served, in milliseconds of the phase: 0 where all were. */
static double unserved_until_ms(void)
{
    uint64_t last = load.last_unserved_ns;
    for (uint64_t number = load.phase_first; number < load.next; number++) {
        const struct entry *entry = entry_of(number);
        if (entry->number == number && entry->state != DONE && entry->sent_ns > last)
            last = entry->sent_ns;
    }
    return last ? (double)(last - load.began_ns) / 1e6 : 0;
}

/* Returns what was served a second. */
static double end_phase(const char *name, double wanted, double seconds)
{
    uint64_t sent = load.next - load.phase_first, served = load.answered;
    if (load.kind != FLOOD_CALL)
        served = load.served->count;
    else
        served -= load.codes[503] < served ? load.codes[503] : served;
    printf("{\"phase\":\"%s\",\"wanted_per_s\":%.0f,\"sent_per_s\":%.0f,\"unsent\":%llu,\"served_per_s\":%.0f,\"p50_"
           "ms\":%.2f,"
           "\"p99_ms\":%.2f,\"p999_ms\":%.2f,\"max_ms\":%.2f,\"unserved_until_ms\":%.0f,\"twice\":%llu,\"again\":%llu,"
           "\"requests\":%llu,\"probes\":%llu,\"probes_answered\":%llu,\"probes_p99_ms\":%.2f,\"probes_max_ms\":%.2f,"
           "\"codes\":{",
           name, wanted, (double)(sent - load.unsent) / seconds, (unsigned long long)load.unsent,
           (double)served / seconds, wait_ms(load.served, 0.5), wait_ms(load.served, 0.99), wait_ms(load.served, 0.999),
           wait_ms(load.served, 1), unserved_until_ms(), (unsigned long long)load.twice, (unsigned long long)load.again,
           (unsigned long long)load.requests, (unsigned long long)load.probes_sent,
           (unsigned long long)load.probes->count, wait_ms(load.probes, 0.99), wait_ms(load.probes, 1));
    const char *comma = "";
    for (unsigned code = 0; code < 700; code++)
        if (load.codes[code]) {
            printf("%s\"%u\":%llu", comma, code, (unsigned long long)load.codes[code]);
            comma = ",";
        }
    printf("}}\n");
    fflush(stdout);
    return (double)served / seconds;
}

static void run_closed(unsigned window, double seconds, double count)
{
    begin_phase(true);
    uint64_t end = load.began_ns + (uint64_t)(seconds * 1e9), seen = 0, seen_ns = load.began_ns, now;
    for (unsigned i = 0; i < window; i++)
        send_new();
    flood_way_flush(load.way);
    while ((now = flood_now_ns()) < end && (double)load.answered < count) {
        flood_way_take(load.way, 1, on_message, NULL);
        flood_way_flush(load.way);
        if (load.answered != seen) {
            seen = load.answered;
            seen_ns = now;
        } else if (now - seen_ns > 200000000) { /* all of the window were lost */
            for (unsigned i = 0; i < window; i++)
                send_new();
            seen_ns = now;
        }
    }
    load.closed = false;
    load.peak = end_phase("closed", 0, seconds);
    take_for(GRACE_NS);
}

static void probe(void)
{
    if (load.probe_next >= load.held_count)
        return;
    const struct held *held = &load.held[load.probe_next++];
    struct entry *entry = entry_of(held->number);
    if (entry->number != held->number)
        return;
    entry->state = HELD_ASKED;
    entry->sent_ns = flood_now_ns();
    load.probes_sent++;
    send_in_call(entry, "OPTIONS", held->uri, held->to, 2);
}

static void run_open(double rate, double seconds)
{
    begin_phase(false);
    uint64_t now, end = load.began_ns + (uint64_t)(seconds * 1e9), probe_ns = load.began_ns + PROBE_EVERY_NS;
    while ((now = flood_now_ns()) < end) {
        uint64_t due = load.phase_first + (uint64_t)((double)(now - load.began_ns) * 1e-9 * rate);
        for (unsigned i = 0; load.next < due && i < 256; i++)
            send_new();
        if (now >= probe_ns) {
            probe();
            probe_ns += PROBE_EVERY_NS;
        }
        flood_way_flush(load.way);
        flood_way_take(load.way, load.next < due ? 0 : 1, on_message, NULL);
        flood_way_flush(load.way);
    }
    double took = (double)(flood_now_ns() - load.began_ns) / 1e9;
    take_for(GRACE_NS);
    end_phase("open", rate, took);
}

/* A few at a time, so that none is lost. */
static void run_hold(unsigned count)
{
    enum flood_kind kind = load.kind;
    struct text request = load.request;
    load.kind = FLOOD_CALL;
    memset(&load.request, 0, sizeof(load.request));
    make_request();
    put_port("Via: ", flood_way_port(load.way, 0));
    put_port("Contact: ", flood_way_port(load.way, 0));
    begin_phase(false);
    load.holds = true;
    for (unsigned sent = 0; sent < count && sent < HELD_MAX; sent++) {
        send_new();
        flood_way_flush(load.way);
        take_for(1000000);
    }
    take_for(GRACE_NS);
    load.holds = false;
    fprintf(stdout, "{\"phase\":\"hold\",\"held\":%u}\n", load.held_count);
    load.kind = kind;
    load.request = request;
}

static void run_phase(const char *text)
{
    double first = 0, seconds = 1;
    char unit = 0;
    if (sscanf(text, "closed:%lf:%lf", &first, &seconds) == 2)
        run_closed((unsigned)first, seconds, 1e18);
    else if (sscanf(text, "count:%lf:%lf", &first, &seconds) == 2)
        run_closed((unsigned)first, 600, seconds);
    else if (sscanf(text, "open:%lf%c:%lf", &first, &unit, &seconds) == 3 && unit == 'x')
        run_open(first * load.peak, seconds);
    else if (sscanf(text, "open:%lf:%lf", &first, &seconds) == 2)
        run_open(first, seconds);
    else if (sscanf(text, "hold:%lf", &first) == 1)
        run_hold((unsigned)first);
    else if (sscanf(text, "pause:%lf", &seconds) == 1)
        take_for((uint64_t)(seconds * 1e9));
    else
        fprintf(stderr, "flood: '%s' is no phase\n", text);
}

int main(int argc, char **argv)
{
    int option;
    load.options = (struct flood_way_options){.source = "127.0.0.1", .connections = 1};
    while ((option = getopt(argc, argv, "k:x:c:b:u:")) != -1)
        switch (option) {
        case 'k':
            load.kind = strcmp(optarg, "call") == 0      ? FLOOD_CALL
                        : strcmp(optarg, "message") == 0 ? FLOOD_MESSAGE
                                                         : FLOOD_OPTIONS;
            break;
        case 'x':
            load.options.tcp = strcmp(optarg, "tcp") == 0;
            break;
        case 'c':
            load.options.connections = (unsigned)atoi(optarg);
            break;
        case 'b':
            load.options.source = optarg;
            break;
        case 'u':
            load.users = (unsigned)atoi(optarg);
            break;
        default:
            return 2;
        }
    if (optind + 3 > argc || load.options.connections < 1 || load.options.connections > FLOOD_CONNECTIONS_MAX ||
        strncmp(argv[optind], "127.", 4) != 0) {
        fprintf(stderr, "usage: flood [-k options|message|call] [-x udp|tcp] [-c CONNECTIONS] [-b SOURCE] 127.x.x.x "
                        "PORT PHASE ...\n");
        return 2;
    }
    load.options.host = argv[optind];
    load.options.port = (unsigned)atoi(argv[optind + 1]);
    load.run = flood_now_ns() & 0xffffffff;
    load.next = 1;
    load.entries = calloc(ENTRIES, sizeof(*load.entries));
    load.served = calloc(1, sizeof(*load.served));
    load.probes = calloc(1, sizeof(*load.probes));
    load.way = flood_way_open(&load.options);
    if (!load.entries || !load.served || !load.probes || !load.way)
        return 1;
    make_request();
    put_port("Via: ", flood_way_port(load.way, 0));
    put_port("Contact: ", flood_way_port(load.way, 0));
    for (int i = optind + 2; i < argc; i++)
        run_phase(argv[i]);
    flood_way_close(load.way);
    return 0;
}
