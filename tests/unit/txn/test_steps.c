/* SPDX-License-Identifier: Apache-2.0 */
/* Every cell of every state table, against the RFCs' figures as text: a line says STATE EVENT > NEXT DEEDS, and what no
 * line names must be empty. */
#include "unit/txn/support_txn.h"

static const char *const state_names[TXN_STATE_COUNT] = {"Trying",    "Proceeding", "Accepted",  "Completed",
                                                         "Confirmed", "Absorbing",  "Terminated"};
static const char *const event_names[TXN_EVENT_COUNT] = {
    "again", "ack",  "1xx", "2xx", "final", "absorb", "r1xx", "rfinal", "r2xx", "acknowledge",
    "error", "t100", "E",   "F",   "G",     "H",      "I",    "J",      "K",    "L"};
static const char *const deed_names[] = {"send",    "store",  "resend", "trying", "stop",   "forget", "+E",
                                         "+slowE",  "+F",     "+G",     "+H",     "+I",     "+J",     "+K",
                                         "+L",      "expect", "ack",    "noack",  "failed", "prov",   "gotfinal",
                                         "timeout", "stray",  "+A",     "+C",     "+D",     "+M",     "sendack"};

static const char *const invite_lines[] = {
    "Proceeding again > Proceeding resend",
    "Proceeding ack > Proceeding stray",
    "Proceeding 1xx > Proceeding send store",
    "Proceeding 2xx > Accepted send stop forget +L",
    "Proceeding final > Completed send store stop +G +H expect",
    "Proceeding absorb > Absorbing stop forget +L",
    "Proceeding t100 > Proceeding trying",
    "Proceeding error > Proceeding failed",
    "Accepted again > Accepted",
    "Accepted ack > Accepted",
    "Accepted L > Terminated",
    "Accepted error > Accepted failed",
    "Completed again > Completed resend",
    "Completed ack > Confirmed stop forget +I ack",
    "Completed G > Completed resend +G",
    "Completed H > Terminated noack",
    "Completed error > Completed failed",
    "Confirmed again > Confirmed",
    "Confirmed ack > Confirmed",
    "Confirmed I > Terminated",
    "Absorbing again > Absorbing",
    "Absorbing ack > Absorbing stray",
    "Absorbing L > Terminated",
};

static const char *const server_lines[] = {
    "Trying again > Trying",
    "Trying 1xx > Proceeding send store",
    "Trying final > Completed send store stop +J",
    "Trying absorb > Absorbing stop forget +L",
    "Trying t100 > Proceeding trying",
    "Trying F > Terminated",
    "Trying error > Trying failed",
    "Proceeding again > Proceeding resend",
    "Proceeding 1xx > Proceeding send store",
    "Proceeding final > Completed send store stop +J",
    "Proceeding absorb > Absorbing stop forget +L",
    "Proceeding F > Terminated",
    "Proceeding error > Proceeding failed",
    "Completed again > Completed resend",
    "Completed J > Terminated",
    "Completed error > Completed failed",
    "Absorbing again > Absorbing",
    "Absorbing L > Terminated",
};

static const char *const client_lines[] = {
    "Trying r1xx > Proceeding prov",
    "Trying rfinal > Completed stop forget +K gotfinal",
    "Trying E > Trying resend +E",
    "Trying F > Terminated timeout",
    "Trying error > Terminated failed",
    "Proceeding r1xx > Proceeding prov",
    "Proceeding rfinal > Completed stop forget +K gotfinal",
    "Proceeding E > Proceeding resend +slowE",
    "Proceeding F > Terminated timeout",
    "Proceeding error > Terminated failed",
    "Completed r1xx > Completed",
    "Completed rfinal > Completed",
    "Completed K > Terminated",
};

static const char *const invite_client_lines[] = {
    "Trying r1xx > Proceeding stop prov +C",
    "Trying r2xx > Accepted stop forget gotfinal +M",
    "Trying rfinal > Completed stop gotfinal +D sendack",
    "Trying E > Trying resend +A",
    "Trying F > Terminated timeout",
    "Trying error > Terminated failed",
    "Proceeding r1xx > Proceeding prov +C",
    "Proceeding r2xx > Accepted stop forget gotfinal +M",
    "Proceeding rfinal > Completed stop gotfinal +D sendack",
    "Proceeding F > Terminated timeout",
    "Proceeding error > Terminated failed",
    "Accepted r1xx > Accepted",
    "Accepted r2xx > Accepted resend",
    "Accepted rfinal > Accepted",
    "Accepted acknowledge > Accepted send store",
    "Accepted K > Terminated",
    "Completed r1xx > Completed",
    "Completed r2xx > Completed",
    "Completed rfinal > Completed resend",
    "Completed K > Terminated",
};

static void describe(const struct txn_step *step, unsigned state, unsigned event, char *out, size_t cap)
{
    size_t len =
        (size_t)snprintf(out, cap, "%s %s > %s", state_names[state], event_names[event], state_names[step->next]);
    for (unsigned i = 0; i < sizeof(deed_names) / sizeof(*deed_names); i++) {
        if (step->actions >> i & 1)
            len += (size_t)snprintf(out + len, cap - len, " %s", deed_names[i]);
    }
}

static const char *line_of(const char *const *lines, size_t count, const char *begin)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(lines[i], begin, strlen(begin)) == 0)
            return lines[i];
    }
    return "";
}

static void walk(const struct txn_step steps[TXN_STATE_COUNT][TXN_EVENT_COUNT], const char *const *lines, size_t count)
{
    size_t set = 0;
    for (unsigned state = 0; state < TXN_STATE_COUNT; state++) {
        for (unsigned event = 0; event < TXN_EVENT_COUNT; event++) {
            char found[256] = "";
            char begin[64];
            snprintf(begin, sizeof(begin), "%s %s >", state_names[state], event_names[event]);
            if (steps[state][event].is_set)
                describe(&steps[state][event], state, event, found, sizeof(found));
            assert_string_equal(found, line_of(lines, count, begin));
            set += steps[state][event].is_set;
        }
    }
    assert_int_equal(set, count);
}

static void test_invite_server_cells(void **state)
{
    (void)state;
    walk(txn_invite_server_steps, invite_lines, sizeof(invite_lines) / sizeof(*invite_lines));
}

static void test_server_cells(void **state)
{
    (void)state;
    walk(txn_server_steps, server_lines, sizeof(server_lines) / sizeof(*server_lines));
}

static void test_client_cells(void **state)
{
    (void)state;
    walk(txn_client_steps, client_lines, sizeof(client_lines) / sizeof(*client_lines));
}

static void test_invite_client_cells(void **state)
{
    (void)state;
    walk(txn_invite_client_steps, invite_client_lines, sizeof(invite_client_lines) / sizeof(*invite_client_lines));
}

/* Puts a transaction of this kind into each state and gives it each event: an empty cell is ERR_INVALID and changes
 * nothing, a set one leads where the table says, and no cell leaks. */
static void run_cell(struct txn_bench *bench, unsigned kind, unsigned state, unsigned event)
{
    static const struct txn_step(*const tables[])[TXN_EVENT_COUNT] = {txn_invite_server_steps, txn_server_steps,
                                                                      txn_client_steps, txn_invite_client_steps};
    const struct txn_step *step = &tables[kind][state][event];
    struct txn *txn = txn_take(bench->table, kind, state);
    assert_non_null(txn);
    txn->flow = bench->udp;
    txn->handlers = txn_is_client(txn) ? &bench_client_handlers : NULL;
    txn->user = bench;
    txn_index_add(&bench->table->by_key, &txn->link, 1);
    struct txn_cause cause = {
        .bytes = SPAN("bytes"), .code = 410, .message = sip_ask(&bench->asked, (struct sip_ask){.method = "ACK"})};
    size_t sent = bench->wire.count;
    enum err err = txn_run(txn, event, &cause);
    assert_int_equal(err, step->is_set ? OK : ERR_INVALID);
    if (!step->is_set) {
        assert_int_equal(txn->state, state);
        assert_int_equal(bench->wire.count, sent);
    }
    if (step->is_set && step->next == TXN_TERMINATED)
        return;
    assert_int_equal(txn->state, step->is_set ? step->next : state);
    txn_drop(txn);
}

static void test_every_cell_runs(void **state)
{
    struct txn_bench *bench = *state;
    for (unsigned kind = 0; kind < TXN_KIND_COUNT; kind++) {
        for (unsigned from = 0; from < TXN_STATE_COUNT; from++) {
            for (unsigned event = 0; event < TXN_EVENT_COUNT; event++)
                run_cell(bench, kind, from, event);
        }
    }
    bench_assert_empty(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invite_server_cells),
        cmocka_unit_test(test_server_cells),
        cmocka_unit_test(test_client_cells),
        cmocka_unit_test(test_invite_client_cells),
        cmocka_unit_test_setup_teardown(test_every_cell_runs, bench_setup, bench_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
