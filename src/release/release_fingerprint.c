/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy's files look like from outside, in a few system calls and without reading them. */
#include "release/release_watch.h"
#include "util/siphash.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 4, ENTRIES_MAX = 4096 };

struct look {
    uint64_t sum; /* of the entries' hashes: independent of the order in which a folder gives them */
    unsigned entries;
};

static void add_entry(struct look *look, int depth, const char *name, const struct stat *stat)
{
    const struct siphash_key key = {0x7665726469637431, 0x66696e6765727072};
    const int64_t facts[] = {depth,
                             (int64_t)stat->st_dev,
                             (int64_t)stat->st_ino,
                             S_ISDIR(stat->st_mode) ? 0 : (int64_t)stat->st_size,
                             (int64_t)stat->st_mtim.tv_sec,
                             (int64_t)stat->st_mtim.tv_nsec,
                             (int64_t)stat->st_ctim.tv_sec,
                             (int64_t)stat->st_ctim.tv_nsec};
    struct siphash_state state;
    siphash_begin(&state, &key);
    siphash_add(&state, span_of(name));
    siphash_add(&state, span_make((const char *)facts, sizeof(facts)));
    look->sum += siphash_end(&state);
    look->entries++;
}

/* What source_read leaves out cannot change a policy either. */
static bool is_left_out(const char *name)
{
    struct span span = span_of(name);
    return name[0] == '.' || name[0] == '#' || span_ends_with(span, SPAN("~")) || span_ends_with(span, SPAN(".md"));
}

static void look_into(struct look *look, int folder_fd, int depth)
{
    DIR *folder = fdopendir(folder_fd);
    if (!folder) {
        close(folder_fd);
        return;
    }
    struct dirent *entry;
    while (look->entries < ENTRIES_MAX && (entry = readdir(folder)) != NULL) {
        struct stat stat;
        if (is_left_out(entry->d_name) || fstatat(folder_fd, entry->d_name, &stat, 0) != 0)
            continue;
        if (!S_ISDIR(stat.st_mode)) {
            add_entry(look, depth, entry->d_name, &stat);
            continue;
        }
        int below = depth < DEPTH_MAX ? openat(folder_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        if (below >= 0)
            look_into(look, below, depth + 1);
    }
    closedir(folder);
}

uint64_t release_fingerprint(const char *path)
{
    struct look look = {0};
    struct stat stat_of_path;
    if (stat(path, &stat_of_path) != 0)
        return 1;
    if (!S_ISDIR(stat_of_path.st_mode)) {
        add_entry(&look, 0, "", &stat_of_path);
        return look.sum;
    }
    int folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0)
        return 2;
    look_into(&look, folder_fd, 1);
    return look.sum + stat_of_path.st_ino;
}
