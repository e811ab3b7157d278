/* SPDX-License-Identifier: Apache-2.0 */
/* Writing and reading the copy of the last good version: DIR/last_good/HASH/NAME/... for a folder, DIR/last_good/HASH/NAME.lua
 * for a single file, and DIR/last_good/current and /proven with three lines: HASH, the entry below HASH/, the path it came from. */
#include "release/release_keep.h"
#include "store/store_file.h"
#include "util/buffer.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINK_LEAST = 1 << 16 };

enum { CURRENT_MAX = 64 + SOURCE_NAME_MAX + STORE_PATH_MAX + 8 };

static const char *const names[RELEASE_KEPT_COUNT] = {
    [RELEASE_KEPT_GOOD] = "current",
    [RELEASE_KEPT_PROVEN] = "proven",
};

/* "HASH", "ENTRY", "PATH" as `current` has them. */
struct kept {
    char hash[DIGEST_HEX_MAX];
    char entry[SOURCE_NAME_MAX];
    char path[STORE_PATH_MAX];
};

static enum err failed(struct fault *fault, enum err err, const char *what, const char *path)
{
    return fault_set(fault, err, path, 0, "the last good version: cannot %s: %s", what, err_text(err));
}

/* The same policy named from another folder or with a trailing slash is the same policy. */
static enum err absolute(const char *path, char out[STORE_PATH_MAX])
{
    char here[STORE_PATH_MAX] = "";
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    if (path[0] != '/' && !getcwd(here, sizeof(here)))
        return store_errno(errno);
    int len = snprintf(out, STORE_PATH_MAX, "%s%s%s", here, path[0] == '/' ? "" : "/", path);
    if (len < 0 || len >= STORE_PATH_MAX || strchr(path, '\n'))
        return ERR_TOO_LONG;
    while (len > 1 && out[len - 1] == '/')
        out[--len] = '\0';
    return OK;
}

static enum err write_all(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(fd, bytes.at, bytes.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? store_errno(errno) : ERR_IO;
        bytes = span_make(bytes.at + written, bytes.len - (size_t)written);
    }
    return fsync(fd) == 0 ? OK : store_errno(errno);
}

static enum err write_file(const char *path, struct span bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return store_errno(errno);
    enum err err = write_all(fd, bytes);
    if (close(fd) != 0 && err == OK)
        err = store_errno(errno);
    return err;
}

static enum err read_name(const char *base, enum release_kept which, struct kept *out_kept)
{
    char path[STORE_PATH_MAX];
    char text[CURRENT_MAX];
    size_t len;
    enum err err = store_path(path, base, names[which]);
    if (err == OK)
        err = store_file_read(path, text, sizeof(text), &len);
    if (err != OK)
        return err;
    struct span lines[3];
    struct span rest = span_make(text, len);
    for (int line = 0; line < 3; line++) {
        size_t end = span_find(rest, '\n');
        if (end == rest.len)
            return ERR_CORRUPT;
        lines[line] = span_slice(rest, 0, end);
        rest = span_slice(rest, end + 1, rest.len);
    }
    bool fits = lines[0].len == DIGEST_HEX_MAX - 1 && span_copy(lines[0], out_kept->hash, sizeof(out_kept->hash)) &&
                span_copy(lines[1], out_kept->entry, sizeof(out_kept->entry)) &&
                span_copy(lines[2], out_kept->path, sizeof(out_kept->path));
    return fits && !strchr(out_kept->hash, '/') && !strchr(out_kept->entry, '/') ? OK : ERR_CORRUPT;
}

/* Whether the file at `path` holds these bytes, and no others. */
static bool has_bytes(const char *path, struct span bytes)
{
    char block[1 << 16];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : 1;
    while (got > 0) {
        got = read(fd, block, sizeof(block));
        if (got > 0 && (bytes.len < (size_t)got || memcmp(bytes.at, block, (size_t)got) != 0))
            got = -1;
        bytes = span_slice(bytes, got > 0 ? (size_t)got : 0, bytes.len);
    }
    if (fd >= 0)
        close(fd);
    return got == 0 && bytes.len == 0;
}

/* A large file that a kept version has too becomes a second name of that one: hundreds of megabytes of data are not written
 * and synced again because a line of code changed.  Kept files are never written to. */
static bool link_kept(const char *base, const struct source_file *file, const char *path)
{
    for (unsigned which = 0; file->bytes.len >= LINK_LEAST && which < RELEASE_KEPT_COUNT; which++) {
        char version[STORE_PATH_MAX], entry[STORE_PATH_MAX], old[STORE_PATH_MAX];
        struct kept kept;
        if (read_name(base, (enum release_kept)which, &kept) == OK && store_path(version, base, kept.hash) == OK &&
            store_path(entry, version, kept.entry) == OK && store_path(old, entry, file->name) == OK &&
            has_bytes(old, file->bytes) && link(old, path) == 0)
            return true;
    }
    return false;
}

/* Makes the folders on the way to `folder`/`name` and writes the file. */
static enum err write_below(const char *base, const char *folder, const struct source_file *file)
{
    char path[STORE_PATH_MAX];
    enum err err = store_path(path, folder, file->name);
    for (char *slash = path + strlen(folder) + 1; err == OK && (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        err = store_make_folder(path);
        *slash = '/';
    }
    if (err != OK || link_kept(base, file, path))
        return err;
    return write_file(path, file->bytes);
}

static enum err write_source(const char *base, const char *top, const char *entry, const struct source *source)
{
    char folder[STORE_PATH_MAX];
    bool is_folder = strcmp(entry, source_main(source)) != 0;
    enum err err = store_remove_folder(top);
    if (err == OK)
        err = store_make_folder(top);
    if (err == OK)
        err = store_path(folder, top, is_folder ? entry : NULL);
    if (err == OK && is_folder)
        err = store_make_folder(folder);
    for (size_t index = 0; err == OK && index < source_count(source); index++)
        err = write_below(base, folder, source_at(source, index));
    if (err == OK)
        err = store_sync_folder(folder);
    return err == OK ? store_sync_folder(top) : err;
}

static enum err write_name(const char *base, enum release_kept which, const struct kept *kept)
{
    char path[STORE_PATH_MAX];
    char text[CURRENT_MAX];
    struct buffer out = buffer_over(text, sizeof(text));
    buffer_addf(&out, "%s\n%s\n%s\n", kept->hash, kept->entry, kept->path);
    if (out.overflow)
        return ERR_TOO_LONG;
    enum err err = store_path(path, base, names[which]);
    return err == OK ? store_file_replace(path, buffer_span(&out)) : err;
}

static bool is_named(const char *base, const char *entry)
{
    bool found = entry[0] == '.' || strcmp(entry, "refused") == 0;
    for (unsigned which = 0; which < RELEASE_KEPT_COUNT && !found; which++) {
        struct kept kept;
        found = strcmp(entry, names[which]) == 0 ||
                (read_name(base, (enum release_kept)which, &kept) == OK && strcmp(kept.hash, entry) == 0);
    }
    return found;
}

/* Everything but the names and the versions that they name: older ones, and what a crash left. */
static void remove_others(const char *base)
{
    DIR *folder = opendir(base);
    struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL) {
        char path[STORE_PATH_MAX];
        bool keep = is_named(base, entry->d_name) || store_path(path, base, entry->d_name) != OK;
        if (!keep && store_remove_folder(path) != OK)
            (void)unlink(path); /* what cannot be removed now is tried again after the next version */
    }
    if (folder)
        closedir(folder);
}

/* The folder's own name, so that the copy is called what the policy is called; "policy" where that will not do. */
static const char *entry_of(const struct source *source)
{
    const char *main_file = source_main(source);
    if (strcmp(main_file, "policy.lua") != 0)
        return main_file;
    const char *name = source_name(source);
    bool is_fit = name[0] != '\0' && name[0] != '.' && !strpbrk(name, "/\n") && strcmp(name, main_file) != 0;
    return is_fit ? name : "policy";
}

static enum err describe(const struct source *source, const char *path, struct kept *out_kept)
{
    int len = snprintf(out_kept->entry, sizeof(out_kept->entry), "%s", entry_of(source));
    snprintf(out_kept->hash, sizeof(out_kept->hash), "%s", source_hash(source));
    return len >= (int)sizeof(out_kept->entry) ? ERR_TOO_LONG : absolute(path, out_kept->path);
}

/* Writes the version's folder: complete and synced under another name first. */
static enum err write_version(const char *base, const struct kept *kept, const struct source *source)
{
    char fresh[STORE_PATH_MAX];
    char final[STORE_PATH_MAX];
    enum err err = store_path(fresh, base, "writing");
    if (err == OK)
        err = store_path(final, base, kept->hash);
    if (err == OK)
        err = write_source(base, fresh, kept->entry, source);
    if (err == OK)
        err = store_remove_folder(final); /* not the one that `current` names: a left-over */
    if (err == OK)
        err = store_rename(base, "writing", kept->hash);
    if (err != OK && store_remove_folder(fresh) != OK)
        return err; /* the first error is the one to tell */
    return err;
}

/* Whether a name of any kind says that this very copy is whole. */
static bool is_there(const char *base, const struct kept *wanted)
{
    for (unsigned which = 0; which < RELEASE_KEPT_COUNT; which++) {
        struct kept present;
        if (read_name(base, (enum release_kept)which, &present) == OK && strcmp(present.hash, wanted->hash) == 0 &&
            strcmp(present.entry, wanted->entry) == 0)
            return true;
    }
    return false;
}

enum err release_keep_save(const char *data_dir, enum release_kept which, const struct source *source, const char *path,
                           struct fault *fault)
{
    char base[STORE_PATH_MAX];
    struct kept kept;
    struct kept present;
    enum err err = store_path(base, data_dir, "last_good");
    if (err == OK)
        err = describe(source, path, &kept);
    if (err == OK)
        err = store_make_folder(base);
    if (err != OK)
        return failed(fault, err, "make its folder", base);
    if (read_name(base, which, &present) == OK && strcmp(present.hash, kept.hash) == 0 &&
        strcmp(present.entry, kept.entry) == 0 && strcmp(present.path, kept.path) == 0)
        return OK;
    if (!is_there(base, &kept))
        err = write_version(base, &kept, source);
    if (err == OK)
        err = write_name(base, which, &kept);
    if (err != OK)
        return failed(fault, err, "write it", base);
    remove_others(base);
    return OK;
}

enum err release_keep_load(const char *data_dir, enum release_kept which, const char *path, struct source **out_source,
                           struct fault *fault)
{
    char base[STORE_PATH_MAX];
    char wanted[STORE_PATH_MAX];
    char folder[STORE_PATH_MAX];
    char where[STORE_PATH_MAX];
    struct kept kept;
    enum err err = store_path(base, data_dir, "last_good");
    if (err == OK)
        err = absolute(path, wanted);
    if (err == OK)
        err = read_name(base, which, &kept);
    if (err == OK && strcmp(kept.path, wanted) != 0)
        err = ERR_NOT_FOUND;
    if (err == OK)
        err = store_path(folder, base, kept.hash);
    if (err == OK)
        err = store_path(where, folder, kept.entry);
    if (err != OK)
        return failed(fault, err, "find it", base);
    struct source *source;
    err = source_read(where, &source, fault);
    if (err != OK)
        return err;
    if (strcmp(source_hash(source), kept.hash) != 0) {
        source_unref(source);
        return failed(fault, ERR_CORRUPT, "trust it", where);
    }
    *out_source = source;
    return OK;
}
