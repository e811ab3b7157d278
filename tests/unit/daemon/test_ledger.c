/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of several workers become one row a peer. */
#include "daemon/daemon_ledger.h"
#include "support/cmocka_all.h"

static struct txn_ledger_entry row(uint8_t host, uint64_t missing, uint64_t last_ms)
{
    struct txn_ledger_entry entry = {.last_ms = last_ms};
    entry.peer = (struct net_address){.ip = {192, 0, 2, host}, .family = NET_FAMILY_IP4};
    entry.counts[TXN_LEDGER_MISSING] = missing;
    entry.resends[3] = 1;
    return entry;
}

static void rows_of_a_peer_are_added(void **state)
{
    (void)state;
    struct txn_ledger_entry one[] = {row(1, 5, 10), row(2, 1, 30)}, other[] = {row(2, 2, 20), row(3, 1, 1)};
    struct txn_ledger_entry peers[3];
    unsigned count = daemon_ledger_merge(one, 2, peers, 0, 3);
    assert_int_equal(count, 2);
    count = daemon_ledger_merge(other, 2, peers, count, 3);
    assert_int_equal(count, 3);
    assert_int_equal(peers[1].counts[TXN_LEDGER_MISSING], 3);
    assert_int_equal(peers[1].resends[3], 2);
    assert_int_equal(peers[1].last_ms, 30);
    assert_int_equal(peers[0].counts[TXN_LEDGER_MISSING], 5);
}

static void over_the_cap_only_known_peers_count(void **state)
{
    (void)state;
    struct txn_ledger_entry rows[] = {row(1, 1, 1), row(2, 1, 1), row(1, 1, 2)};
    struct txn_ledger_entry peers[1];
    assert_int_equal(daemon_ledger_merge(rows, 3, peers, 0, 1), 1);
    assert_int_equal(peers[0].counts[TXN_LEDGER_MISSING], 2);
}

static void a_peer_as_json(void **state)
{
    (void)state;
    char text[512];
    struct buffer out = buffer_over(text, sizeof(text));
    struct json json = json_into(&out);
    struct txn_ledger_entry entry = row(7, 2, 0);
    daemon_ledger_put_peer(&entry, &json);
    buffer_add_byte(&out, '\0');
    assert_string_equal(text, "{\"peer\":\"192.0.2.7\",\"acknowledged\":0,\"late\":0,\"missing\":2,\"mistagged\":0,"
                              "\"wrong_cseq\":0,\"stray\":0,\"retransmissions\":[0,0,0,1,0,0,0,0,0,0,0,0]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_a_peer_are_added),
        cmocka_unit_test(over_the_cap_only_known_peers_count),
        cmocka_unit_test(a_peer_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
