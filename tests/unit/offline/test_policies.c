/* SPDX-License-Identifier: Apache-2.0 */
/* Every policy that ships: no finding, and its own tests pass, guard included. */
#include "authoring/authoring_check.h"
#include "offline/offline_check.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

static void try_policy(const char *path)
{
    struct fault fault = {0};
    struct source *source = NULL;
    struct authoring_test_summary summary = {0};
    struct authoring_findings *findings = calloc(1, sizeof(*findings));
    assert_non_null(findings);
    if (source_read(path, &source, &fault) != OK)
        fail_msg("%s: %s", fault.file, fault.text);
    authoring_check(source, findings);
    for (size_t i = 0; i < findings->count; i++)
        print_error("%s/%s:%d: %s\n", path, findings->list[i].file, findings->list[i].line, findings->list[i].text);
    assert_int_equal(findings->count, 0);
    if (offline_test_source(NULL, source, &summary, &fault) != OK)
        fail_msg("%s: %s:%d: %s", path, fault.file, fault.line, fault.text);
    assert_int_equal(summary.failed, 0);
    assert_true(summary.passed > 0);
    source_unref(source);
    free(findings);
}

static void every_policy_holds_its_own_tests(void **state)
{
    (void)state;
    unsigned count = 0;
    DIR *folder = opendir(SOURCE_DIR "/policies");
    assert_non_null(folder);
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        char path[1024];
        struct stat info;
        snprintf(path, sizeof(path), "%s/policies/%s", SOURCE_DIR, entry->d_name);
        if (entry->d_name[0] == '.' || stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
            continue;
        try_policy(path);
        count++;
    }
    closedir(folder);
    assert_true(count >= 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_policy_holds_its_own_tests)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
