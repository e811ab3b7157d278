/* SPDX-License-Identifier: Apache-2.0 */
/* What a transaction costs, parsing, building and the wire apart: INVITE, 410, ACK and all timers, at 20,000 a second of
 * a clock that this program moves, so that the table is as full as it would be under that load. */
#include "support/fake_clock.h"
#include "support/fake_wire.h"
#include "support/sip_ask.h"
#include "txn/txn_slab.h"
#include "txn/txn_table.h"

enum { PER_MS = 20, WARM_UP = 20 * PER_MS * 1000, COUNT = 400000, DIGITS = 8 };

struct bench {
    struct fake_clock fake;
    struct fake_wire wire;
    struct txn_table *table;
    struct net_flow flow;
    struct sip_asked invite, ack;
    char *numbers[4]; /* in both messages: branch and Call-ID */
};

static void find_numbers(struct bench *bench)
{
    struct sip_asked *asked[] = {&bench->invite, &bench->ack};
    for (unsigned i = 0; i < 2; i++) {
        bench->numbers[2 * i] = strstr(asked[i]->text, "z9hG4bK-n") + 9;
        bench->numbers[2 * i + 1] = strstr(asked[i]->text, "call-n") + 6;
    }
}

/* The next transaction: the parsed messages stay as they are, their bytes change in place. */
static void renumber(struct bench *bench, unsigned number)
{
    char digits[DIGITS];
    for (unsigned i = DIGITS; i--; number /= 10)
        digits[i] = (char)('0' + number % 10);
    for (unsigned i = 0; i < 4; i++)
        memcpy(bench->numbers[i], digits, DIGITS);
}

static bool one(struct bench *bench, struct span answer)
{
    struct txn *txn;
    if (txn_receive(bench->table, &bench->invite.message, &bench->flow).class != TXN_NEW ||
        txn_server_new(bench->table, &bench->invite.message, &bench->flow, &txn) != OK ||
        txn_reply(txn, 410, answer) != OK)
        return false;
    return txn_receive(bench->table, &bench->ack.message, &bench->flow).class == TXN_ACK_ABSORBED;
}

static bool run(struct bench *bench, unsigned from, unsigned count)
{
    static char answer[500];
    memset(answer, 'a', sizeof(answer));
    for (unsigned i = from; i < from + count; i++) {
        renumber(bench, i);
        if (!one(bench, span_make(answer, sizeof(answer))))
            return false;
        if (i % PER_MS == 0)
            fake_clock_leap(&bench->fake, 1);
    }
    return true;
}

int main(void)
{
    static struct bench bench;
    fake_clock_init(&bench.fake, NULL);
    bench.wire = (struct fake_wire){.clock = &bench.fake.clock, .is_counter = true};
    bench.flow = sip_ask_flow(NET_UDP, "192.0.2.9:5060");
    struct txn_options options = {
        .clock = &bench.fake.clock, .wheel = &bench.fake.wheel, .wire = {&bench.wire, fake_wire_send}, .key = {1, 2}};
    if (txn_table_new(&options, &bench.table) != OK)
        return 1;
    struct sip_ask ask = {.branch = "z9hG4bK-n00000000", .call_id = "call-n00000000@192.0.2.9"};
    sip_ask(&bench.invite, ask);
    ask.method = "ACK";
    ask.to_tag = "0123456789abcdef";
    sip_ask(&bench.ack, ask);
    find_numbers(&bench);
    if (!run(&bench, 0, WARM_UP))
        return 1;
    uint64_t begin = clock_thread_cpu_ns();
    if (!run(&bench, WARM_UP, COUNT))
        return 1;
    uint64_t each = (clock_thread_cpu_ns() - begin) / COUNT;
    struct txn_census census;
    txn_table_census(bench.table, &census);
    printf("{\"bench\":\"txn\",\"what\":\"invite-410-ack\",\"ns\":%llu,\"live\":%zu,\"bytes\":%zu}\n",
           (unsigned long long)each, census.servers, census.memory / census.servers);
    txn_table_free(bench.table);
    return 0;
}
