/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over files and folders of inputs, each once between unreadable pages at its end and once at its
 * beginning: the corpus as a plain test.  usage: fuzz_TARGET PATH... */
#include "fuzz.h"
#include "support/page_guard.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

enum { INPUT_CAP = 1 << 17, PATH_CAP = 4096 };

static unsigned run_file(const char *path, const struct page_guard *guard)
{
    static char bytes[INPUT_CAP];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    struct span input = span_make(bytes, fread(bytes, 1, sizeof(bytes), file));
    fclose(file);
    struct span placed = page_guard_put(guard, input);
    LLVMFuzzerTestOneInput((const uint8_t *)placed.at, placed.len);
    placed = page_guard_put_begin(guard, input);
    LLVMFuzzerTestOneInput((const uint8_t *)placed.at, placed.len);
    return 1;
}

static unsigned run_folder(const char *path, const struct page_guard *guard)
{
    unsigned count = 0;
    DIR *folder = opendir(path);
    if (!folder) {
        perror(path);
        exit(1);
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[PATH_CAP];
        if (entry->d_name[0] == '.' || snprintf(name, sizeof(name), "%s/%s", path, entry->d_name) >= PATH_CAP)
            continue;
        count += run_file(name, guard);
    }
    closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    struct page_guard guard = page_guard_new(INPUT_CAP);
    unsigned count = 0;
    for (int at = 1; at < argc; at++) {
        struct stat info;
        if (stat(argv[at], &info) != 0) {
            perror(argv[at]);
            return 1;
        }
        count += S_ISDIR(info.st_mode) ? run_folder(argv[at], &guard) : run_file(argv[at], &guard);
    }
    page_guard_done(&guard);
    printf("%u inputs\n", count);
    return count ? 0 : 1; /* an empty corpus tests nothing */
}
