/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates from files: all or none, and a word for what is wrong. */
#include "support/failing_malloc.h"
#include "support_tls.h"

#include <stdlib.h>
#include <unistd.h>

struct files {
    char folder[32], certificate[64], key[64], ca[64];
    char *certificates[1], *keys[1];
    struct tls_files list;
    X509 *good;
    EVP_PKEY *good_key;
};

static void files_init(struct files *files)
{
    memset(files, 0, sizeof(*files));
    strcpy(files->folder, "/tmp/verdict-load-XXXXXX");
    assert_non_null(mkdtemp(files->folder));
    snprintf(files->certificate, sizeof(files->certificate), "%s/c.pem", files->folder);
    snprintf(files->key, sizeof(files->key), "%s/k.pem", files->folder);
    snprintf(files->ca, sizeof(files->ca), "%s/ca.pem", files->folder);
    files->certificates[0] = files->certificate;
    files->keys[0] = files->key;
    files->list = (struct tls_files){.certificates = files->certificates, .keys = files->keys, .count = 1};
    files->good = make_certificate("a.example", "DNS:a.example", 3600, &files->good_key);
    write_pem(files->certificate, files->good, NULL);
    write_pem(files->key, NULL, files->good_key);
    write_pem(files->ca, files->good, NULL);
}

static void files_done(struct files *files)
{
    unlink(files->certificate);
    unlink(files->key);
    unlink(files->ca);
    rmdir(files->folder);
    X509_free(files->good);
    EVP_PKEY_free(files->good_key);
}

static void cut(const char *path, long len)
{
    assert_int_equal(truncate(path, len), 0);
}

static void refused(struct tls *tls, const struct files *files, const char *file, const char *text)
{
    struct fault fault = {0};
    char notes[TLS_NOTES_MAX];
    uint64_t generation = tls_generation(tls);
    assert_int_not_equal(tls_load(tls, &files->list, notes, &fault), OK);
    assert_int_equal(tls_generation(tls), generation);
    assert_non_null(strstr(fault.file, file));
    assert_non_null(strstr(fault.text, text));
}

static void a_broken_file_changes_nothing(void **state)
{
    (void)state;
    struct files files;
    struct tls *tls;
    struct fault fault = {0};
    char notes[TLS_NOTES_MAX];
    EVP_PKEY *key;
    files_init(&files);
    assert_int_equal(tls_new(&tls), OK);
    assert_int_equal(tls_load(tls, &files.list, notes, &fault), OK);
    assert_string_equal(notes, "");
    cut(files.certificate, 200);
    refused(tls, &files, "c.pem", "no certificate in PEM");
    cut(files.certificate, 0);
    refused(tls, &files, "c.pem", "no certificate in PEM");
    unlink(files.certificate);
    refused(tls, &files, "c.pem", "No such file");
    write_pem(files.certificate, files.good, NULL);
    cut(files.key, 100);
    refused(tls, &files, "k.pem", "no private key in PEM");
    X509 *other = make_certificate("b.example", NULL, 3600, &key);
    write_pem(files.key, NULL, key);
    refused(tls, &files, "k.pem", "does not fit");
    X509_free(other);
    EVP_PKEY_free(key);
    X509 *expired = make_certificate("b.example", NULL, -10, &key);
    write_pem(files.certificate, expired, NULL);
    write_pem(files.key, NULL, key);
    refused(tls, &files, "c.pem", "expired");
    X509_free(expired);
    EVP_PKEY_free(key);
    write_pem(files.certificate, files.good, NULL);
    write_pem(files.key, NULL, files.good_key);
    files.list.client_ca = files.key;
    refused(tls, &files, "k.pem", "no certificates in PEM");
    files.list.client_ca = files.ca;
    assert_int_equal(tls_load(tls, &files.list, notes, &fault), OK);
    assert_int_equal(tls_generation(tls), 2);
    tls_free(tls);
    files_done(&files);
}

static void at_the_start_an_expired_one_is_used_and_said(void **state)
{
    (void)state;
    struct files files;
    struct tls *tls;
    struct fault fault = {0};
    char notes[TLS_NOTES_MAX];
    EVP_PKEY *key;
    files_init(&files);
    X509 *expired = make_certificate("b.example", NULL, -10, &key);
    write_pem(files.certificate, expired, NULL);
    write_pem(files.key, NULL, key);
    assert_int_equal(tls_new(&tls), OK);
    assert_int_equal(tls_load(tls, &files.list, notes, &fault), OK);
    assert_non_null(strstr(notes, "c.pem: the certificate has expired"));
    tls_free(tls);
    X509_free(expired);
    EVP_PKEY_free(key);
    files_done(&files);
}

static void without_memory_nothing_changes(void **state)
{
    (void)state;
    struct files files;
    char notes[TLS_NOTES_MAX];
    bool complete = false;
    files_init(&files);
    files.list.client_ca = files.ca;
    for (unsigned n = 1; !complete && n < 100; n++) {
        struct tls *tls = NULL;
        failing_malloc_at(n);
        enum err err = tls_new(&tls);
        if (err == OK)
            err = tls_load(tls, &files.list, notes, NULL);
        complete = !failing_malloc_off();
        assert_int_equal(err, complete ? OK : ERR_NOMEM);
        tls_free(tls);
    }
    assert_true(complete);
    files_done(&files);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_file_changes_nothing),
        cmocka_unit_test(at_the_start_an_expired_one_is_used_and_said),
        cmocka_unit_test(without_memory_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
