/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever guesses learns from nothing that a user exists: the judgement of a wrong password takes the same instructions,
 * but for a handful, whether we know the user or not.  Counted by callgrind, under which this program runs itself once. */
#include "support/linear.h"

#include "support_auth.h"

static struct auth_world world;
static volatile int sink;

static void judge(struct span user)
{
    static struct auth_result result;
    static char nonce[AUTH_NONCE_LEN + 1];
    static bool begun;
    if (!begun)
        auth_world_init(&world, NULL);
    begun = true;
    struct auth_client client = auth_client_alice(auth_world_nonce(&world, nonce));
    client.user = user;
    client.password = SPAN("guess");
    auth_world_send(&world, &client);
    struct auth_question question = auth_world_question(&world);
#ifdef CAN_COUNT
    CALLGRIND_ZERO_STATS;
#endif
    sink += auth_check(world.auth, &question, &result) == OK && result.outcome == AUTH_WRONG;
}

/* linear_count_all() measures with a text of 1000 bytes and one of 2000. */
static void known_or_not(struct span text)
{
    judge(text.len < 1500 ? SPAN("alice") : SPAN("clare"));
}

/* The first one only warms up: the first dump itself costs something. */
static const struct linear_construct constructs[] = {{"a wrong password", known_or_not, "", "x", ""},
                                                     {"a wrong password", known_or_not, "", "x", ""}};

static void nobody_can_tell_known_users_from_unknown_ones(void **state)
{
    (void)state;
    known_or_not(SPAN(""));
    assert_int_equal(sink, 1);
#ifdef CAN_COUNT
    static unsigned long long counts[LINEAR_MAX][2];
    char folder[] = "/tmp/verdict-alike-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    bool counted = linear_run(folder);
    if (counted)
        linear_read(folder, counts);
    snprintf(path, sizeof(path), "%s/out", folder);
    unlink(path);
    rmdir(folder);
    if (counted) {
        unsigned long long known = counts[1][0], unknown = counts[1][1];
        print_message("known %llu, unknown %llu instructions\n", known, unknown);
        assert_true(known > 1000 && unknown > 1000);
        assert_true(known > unknown ? known - unknown <= known / 100 : unknown - known <= known / 100);
        return;
    }
#endif
    print_message("no callgrind here: instructions are not counted\n");
    skip();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_can_tell_known_users_from_unknown_ones)};
    linear_constructs = constructs;
    linear_count = 2;
#ifdef CAN_COUNT
    if (argc > 1 && strcmp(argv[1], "--count") == 0)
        return linear_count_all();
#else
    (void)argc;
    (void)argv;
#endif
    (void)linear_main; /* this program measures something else */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
