/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums, files that are replaced, the lock on a data folder. */
#include "store/store_crc.h"
#include "store/store_file.h"
#include "store/store_lock.h"
#include "support/cmocka_all.h"
#include "support_store.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void crc_matches_vectors(void **state)
{
    (void)state;
    char zeros[32] = {0};
    char ones[32];
    memset(ones, 0xff, sizeof(ones));
    assert_int_equal(store_crc(0, SPAN("123456789")), 0xe3069283u);
    assert_int_equal(store_crc(0, span_make(zeros, 32)), 0x8a9136aau); /* RFC 3720 B.4 */
    assert_int_equal(store_crc(0, span_make(ones, 32)), 0x62a8ab43u);
    assert_int_equal(store_crc(0, span_make(NULL, 0)), 0);
}

static void crc_of_parts_and_portable_agree(void **state)
{
    (void)state;
    char bytes[100];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 37);
    for (size_t len = 0; len < sizeof(bytes); len++) {
        struct span whole = span_make(bytes, len);
        uint32_t crc = store_crc(0, whole);
        assert_int_equal(crc, store_crc_portable(0, whole));
        for (size_t cut = 0; cut <= len; cut += 7)
            assert_int_equal(crc, store_crc(store_crc(0, span_slice(whole, 0, cut)), span_slice(whole, cut, len)));
    }
}

static void file_is_replaced_whole(void **state)
{
    struct store_folder *folder = *state;
    char path[STORE_PATH_MAX];
    char text[16];
    size_t len;
    assert_int_equal(store_path(path, folder->path, "note"), OK);
    assert_int_equal(store_file_read(path, text, sizeof(text), &len), ERR_NOT_FOUND);
    assert_int_equal(store_file_replace(path, SPAN("first")), OK);
    assert_int_equal(store_file_replace(path, SPAN("second")), OK);
    assert_int_equal(store_file_read(path, text, sizeof(text), &len), OK);
    assert_string_equal(text, "second");
    assert_int_equal(len, 6);
    assert_int_equal(store_file_read(path, text, 6, &len), ERR_TOO_LONG);
    assert_int_equal(store_file_replace("/nowhere/at/all", SPAN("x")), ERR_NOT_FOUND);
}

static void folders_are_made_renamed_and_removed(void **state)
{
    struct store_folder *folder = *state;
    char inner[STORE_PATH_MAX];
    char file[STORE_PATH_MAX];
    assert_int_equal(store_path(inner, folder->path, "a"), OK);
    assert_int_equal(store_make_folder(inner), OK);
    assert_int_equal(store_make_folder(inner), OK);
    assert_int_equal(store_path(file, inner, "f"), OK);
    assert_int_equal(store_file_replace(file, SPAN("x")), OK);
    assert_int_equal(store_rename(folder->path, "a", "b"), OK);
    assert_int_equal(store_rename(folder->path, "a", "b"), ERR_NOT_FOUND);
    assert_int_equal(store_path(inner, folder->path, "b"), OK);
    assert_int_equal(store_remove_folder(inner), OK);
    assert_int_equal(store_remove_folder(inner), OK);
    assert_int_equal(access(inner, F_OK), -1);
}

static void path_has_a_cap(void **state)
{
    (void)state;
    char longest[STORE_PATH_MAX + 8];
    char out[STORE_PATH_MAX];
    memset(longest, 'x', sizeof(longest));
    longest[STORE_PATH_MAX - 1] = '\0';
    assert_int_equal(store_path(out, longest, NULL), OK);
    assert_int_equal(store_path(out, longest, "y"), ERR_TOO_LONG);
}

static void lock_excludes_and_says_who(void **state)
{
    struct store_folder *folder = *state;
    struct store_lock *lock = NULL, *second = NULL;
    struct store_holder holder = {.pid = 0};
    struct fault fault = {.err = OK};
    assert_int_equal(store_lock_holder(folder->path, &holder), ERR_NOT_FOUND);
    assert_int_equal(store_lock_take(folder->path, "/run/verdict.sock", &lock, NULL, &fault), OK);
    assert_int_equal(store_lock_holder(folder->path, &holder), OK);
    assert_int_equal(holder.pid, getpid());
    assert_string_equal(holder.control_socket, "/run/verdict.sock");
    holder = (struct store_holder){.pid = 0};
    assert_int_equal(store_lock_take(folder->path, NULL, &second, &holder, &fault), ERR_BUSY);
    assert_int_equal(holder.pid, getpid());
    assert_non_null(strstr(fault.text, "/run/verdict.sock"));
    assert_int_equal(store_lock_set_socket(lock, ""), OK);
    assert_int_equal(store_lock_holder(folder->path, &holder), OK);
    assert_string_equal(holder.control_socket, "");
    store_lock_release(lock);
    assert_int_equal(store_lock_holder(folder->path, &holder), ERR_NOT_FOUND);
    assert_int_equal(store_lock_take(folder->path, NULL, &second, NULL, &fault), OK);
    store_lock_release(second);
    store_lock_release(NULL);
}

static void lock_ends_with_its_process(void **state)
{
    struct store_folder *folder = *state;
    struct store_lock *lock = NULL;
    pid_t child = fork();
    if (child == 0) {
        if (store_lock_take(folder->path, NULL, &lock, NULL, NULL) == OK)
            raise(SIGKILL);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(store_lock_take(folder->path, NULL, &lock, NULL, NULL), OK);
    store_lock_release(lock);
}

static void lock_refuses_bad_sockets_and_folders(void **state)
{
    struct store_folder *folder = *state;
    struct store_lock *lock = NULL;
    struct fault fault;
    char longest[STORE_SOCKET_MAX + 1];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(store_lock_take(folder->path, "a\nb", &lock, NULL, &fault), ERR_INVALID);
    assert_int_equal(store_lock_take(folder->path, longest, &lock, NULL, &fault), ERR_INVALID);
    assert_int_equal(store_lock_take("/nowhere/at/all", "", &lock, NULL, &fault), ERR_NOT_FOUND);
    assert_null(lock);
}

static void errno_has_a_meaning(void **state)
{
    (void)state;
    assert_int_equal(store_errno(0), OK);
    assert_int_equal(store_errno(ENOSPC), ERR_FULL);
    assert_int_equal(store_errno(EACCES), ERR_DENIED);
    assert_int_equal(store_errno(EEXIST), ERR_EXISTS);
    assert_int_equal(store_errno(ENAMETOOLONG), ERR_TOO_LONG);
    assert_int_equal(store_errno(EBUSY), ERR_BUSY);
    assert_int_equal(store_errno(ENOMEM), ERR_NOMEM);
    assert_int_equal(store_errno(EIO), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_matches_vectors),
        cmocka_unit_test(crc_of_parts_and_portable_agree),
        cmocka_unit_test_setup_teardown(file_is_replaced_whole, store_folder_setup, store_folder_teardown),
        cmocka_unit_test_setup_teardown(folders_are_made_renamed_and_removed, store_folder_setup,
                                        store_folder_teardown),
        cmocka_unit_test(path_has_a_cap),
        cmocka_unit_test_setup_teardown(lock_excludes_and_says_who, store_folder_setup, store_folder_teardown),
        cmocka_unit_test_setup_teardown(lock_ends_with_its_process, store_folder_setup, store_folder_teardown),
        cmocka_unit_test_setup_teardown(lock_refuses_bad_sockets_and_folders, store_folder_setup,
                                        store_folder_teardown),
        cmocka_unit_test(errno_has_a_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
