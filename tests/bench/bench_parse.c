/* SPDX-License-Identifier: Apache-2.0 */
/* Times the codec: the parse of one INVITE with all that matching, dispatch and a policy read (request line, top Via,
 * From, To, Call-ID, CSeq, Contact, Max-Forwards, routes, the session description found), the 200 and the 410 to it, and
 * the parse by those peers that were built beside this program.  One JSON line each.
 * usage: bench_parse [FILE [ROUNDS]]; the default is tests/bench/invite.sip */
#include "sip/sip_multipart.h"
#include "sip/sip_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_CAP = 65536, BATCH = 2000 };

static volatile size_t sink; /* so that no work is left out */

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

struct bench {
    struct span bytes;
    struct sip_message *message;
    char *out;
};

static void run_parse(struct bench *bench)
{
    struct sip_problem problem;
    struct span sdp = {NULL, 0};
    if (sip_message_parse(bench->message, bench->bytes, SIP_DATAGRAM, &problem) != OK ||
        sip_multipart_sdp(bench->message, &sdp) != OK)
        abort();
    sink += bench->message->header_count + sdp.len;
}

static void run_reply(struct bench *bench, unsigned code)
{
    struct buffer out = buffer_over(bench->out, MESSAGE_CAP);
    const struct sip_reply_via via = {.received = SPAN("192.0.2.1"), .rport = 5060};
    sip_reply_begin(&out, bench->message, code, SPAN(""), &via, SPAN("0123456789abcdef"));
    if (code == 410)
        sip_reply_header(&out, SPAN("Reason"), SPAN("Q.850;cause=22"));
    if (code == 200) {
        sip_reply_copy(&out, bench->message, SIP_HEADER_RECORD_ROUTE);
        sip_reply_header(&out, SPAN("Contact"), SPAN("<sip:verdict@192.0.2.2:5060>"));
        sip_reply_header(&out, SPAN("Allow"), SPAN("INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE"));
        sip_reply_header(&out, SPAN("Supported"), SPAN("timer"));
    }
    sip_reply_end(&out, SPAN(""), SPAN(""));
    if (out.overflow)
        abort();
    sink += out.len;
}

static void run_410(struct bench *bench)
{
    run_reply(bench, 410);
}

static void run_200(struct bench *bench)
{
    run_reply(bench, 200);
}

/* The best of many batches: what the code costs, without what the machine did meanwhile. */
static double best_ns(struct bench *bench, void (*run)(struct bench *), unsigned rounds)
{
    double best = 1e18;
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t from = now_ns();
        for (unsigned at = 0; at < BATCH; at++)
            run(bench);
        double each = (double)(now_ns() - from) / BATCH;
        best = each < best ? each : best;
    }
    return best;
}

/* Runs the peer beside this program, where it was built; its time, or 0. */
static double run_peer(const char *name, const char *path, unsigned rounds)
{
    char self[4096], command[9000], line[256] = "";
    double ns = 0;
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (len <= 0)
        return 0;
    self[len] = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(command, sizeof(command), "%s/parse_%s", self, name);
    if (access(command, X_OK) != 0)
        return 0;
    snprintf(command, sizeof(command), "'%s/parse_%s' '%s' %u", self, name, path, rounds);
    FILE *pipe = popen(command, "r");
    if (!pipe)
        return 0;
    if (fgets(line, sizeof(line), pipe) && strstr(line, "\"ns\":"))
        ns = strtod(strstr(line, "\"ns\":") + 5, NULL);
    pclose(pipe);
    fputs(line, stdout);
    return ns;
}

static void compare_with_peers(double ours, const char *path, unsigned rounds)
{
    const char *const peers[] = {"sofia", "osip", "re"};
    double fastest = 0;
    fflush(stdout);
    for (size_t at = 0; at < sizeof(peers) / sizeof(peers[0]); at++) {
        double ns = run_peer(peers[at], path, rounds);
        if (ns > 0 && (fastest == 0 || ns < fastest))
            fastest = ns;
    }
    if (fastest > 0)
        printf("{\"bench\":\"parse\",\"what\":\"fastest peer over verdict\",\"times\":%.2f}\n", fastest / ours);
    else
        fprintf(stderr, "bench_parse: no peers; install libsofia-sip-ua-dev libosip2-dev libre-dev and build again\n");
}

int main(int argc, char **argv)
{
    static char bytes[MESSAGE_CAP], out[MESSAGE_CAP];
    static struct sip_message message;
    const char *path = argc > 1 ? argv[1] : SOURCE_DIR "/tests/bench/invite.sip";
    unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 200;
    FILE *file = fopen(path, "rb");
    size_t len = file ? fread(bytes, 1, sizeof(bytes), file) : 0;
    if (file)
        fclose(file);
    if (!len) {
        fprintf(stderr, "bench_parse: cannot read %s\n", path);
        return 1;
    }
    struct bench bench = {span_make(bytes, len), &message, out};
    run_parse(&bench);
    double ours = best_ns(&bench, run_parse, rounds);
    printf("{\"bench\":\"parse\",\"what\":\"verdict\",\"ns\":%.0f}\n", ours);
    printf("{\"bench\":\"parse\",\"what\":\"verdict build 410\",\"ns\":%.0f}\n", best_ns(&bench, run_410, rounds));
    printf("{\"bench\":\"parse\",\"what\":\"verdict build 200\",\"ns\":%.0f}\n", best_ns(&bench, run_200, rounds));
    compare_with_peers(ours, path, rounds);
    return 0;
}
