/* SPDX-License-Identifier: Apache-2.0 */
/* The file's map: full, or resized by whoever opens the same file.  What cannot be read is an error, never "not found". */
#include "support/cmocka_all.h"
#include "support_directory.h"

#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void open_small(struct place *place, size_t map_bytes)
{
    const struct directory_options options = {.map_bytes = map_bytes};
    struct fault fault = {.err = OK};
    place_close(place);
    assert_int_equal(directory_open(place->path, &options, &place->directory, &fault), OK);
    assert_int_equal(directory_reader_open(place->directory, &place->reader), OK);
}

/* Adds users until one is refused; returns how many were taken, and why the last one was not. */
static int fill(struct place *place, enum err *out_err)
{
    static char note[ENTRY_NOTE_MAX];
    memset(note, 'n', sizeof(note));
    for (int i = 0; i < 20000; i++) {
        char key[40];
        snprintf(key, sizeof(key), "sip:filler%d@x", i);
        struct directory_change change = {
            .op = DIRECTORY_OP_ADD, .key = span_of(key), .note = span_make(note, sizeof(note))};
        *out_err = directory_edit(place->directory, &change, NULL, NULL);
        if (*out_err != OK)
            return i;
    }
    return -1;
}

static void a_full_map_is_said_and_everybody_is_still_there(void **state)
{
    struct place *place = *state;
    struct entry_record record;
    enum err err;
    char last[40], next[40];
    add(place, "sip:alice@x");
    open_small(place, 1 << 20);
    int taken = fill(place, &err);
    assert_int_equal(err, ERR_FULL);
    assert_true(taken > 10);
    snprintf(last, sizeof(last), "filler%d@x", taken - 1);
    snprintf(next, sizeof(next), "filler%d@x", taken);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(state_of(place, "alice@x"), ENTRY_ACTIVE);
        assert_int_equal(state_of(place, last), ENTRY_ACTIVE);
        assert_int_equal(look(place, next, &record), ERR_NOT_FOUND); /* it was refused, and its caller knows */
        place_reopen(place);                                         /* with the room that a daemon has */
    }
    assert_int_equal(edit(place, DIRECTORY_OP_RETIRE, "sip:alice@x", NULL), OK);
    assert_int_equal(state_of(place, "alice@x"), ENTRY_GONE);
}

/* Another process with a larger map, which grows the file beyond ours. */
static void grow_elsewhere(const char *folder)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    static char large[4 << 20];
    static char name[] = "grow";
    MDB_val key = {4, name}, value = {sizeof(large), large};
    bool done = mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, 64 << 20) == 0 &&
                mdb_env_set_maxdbs(env, 16) == 0 && mdb_env_open(env, folder, 0, 0600) == 0 &&
                mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, "about", 0, &dbi) == 0 &&
                mdb_put(txn, dbi, &key, &value, 0) == 0 && mdb_txn_commit(txn) == 0;
    _exit(done ? 0 : 1);
}

static void a_map_resized_elsewhere_makes_nobody_unknown(void **state)
{
    struct place *place = *state;
    struct entry_record record;
    char folder[256];
    int status;
    add(place, "sip:alice@x");
    open_small(place, 1 << 20);
    place_data_file(place, folder);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(state_of(place, "alice@x"), ENTRY_ACTIVE);
    pid_t child = fork();
    if (child == 0)
        grow_elsewhere(folder);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (int turn = 0; turn < 3; turn++) {
        enum err alice = look(place, "alice@x", &record), nobody = look(place, "nobody@x", &record);
        assert_true(alice != OK && alice != ERR_NOT_FOUND);
        assert_true(nobody != OK && nobody != ERR_NOT_FOUND);
        assert_true(edit(place, DIRECTORY_OP_RETIRE, "sip:alice@x", NULL) != OK);
    }
    place_reopen(place);
    assert_int_equal(state_of(place, "alice@x"), ENTRY_ACTIVE);
    assert_int_equal(look(place, "nobody@x", &record), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_map_is_said_and_everybody_is_still_there, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_map_resized_elsewhere_makes_nobody_unknown, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
