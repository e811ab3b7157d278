/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a policy's folder from the disk into a source.  A link is followed only where its end is inside the
 * folder, so that a policy is what its folder holds. */
#include "source/source_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err errno_fault(struct fault *fault, const char *path, const char *what)
{
    enum err err = errno == ENOENT ? ERR_NOT_FOUND : errno == EACCES ? ERR_DENIED : ERR_IO;
    char reason[128];
    return fault_set(fault, err, path, 0, "%s: %s", what, strerror_r(errno, reason, sizeof(reason)));
}

enum err source_folder_resolve(const char *path, char *out_real, size_t real_cap, bool *out_is_file,
                               struct fault *fault)
{
    char real[PATH_MAX];
    struct stat info;
    if (!realpath(path, real) || stat(real, &info) != 0)
        return errno_fault(fault, path, "cannot open the policy");
    if (!S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode))
        return fault_set(fault, ERR_INVALID, path, 0, "a policy is a folder or one .lua file");
    if (S_ISREG(info.st_mode) && !span_ends_with(span_of(real), SPAN(".lua")))
        return fault_set(fault, ERR_INVALID, path, 0, "a policy is a folder or one .lua file; this name has no .lua");
    if (!span_copy(span_of(real), out_real, real_cap))
        return fault_set(fault, ERR_TOO_LONG, path, 0, "the path is too long");
    *out_is_file = S_ISREG(info.st_mode);
    return OK;
}

/* Reads `len` bytes or until the end; the file may have shrunk since its size was asked. */
static enum err read_all(int fd, char *into, size_t len, size_t *out_len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = read(fd, into + got, len - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *out_len = got;
    return OK;
}

enum err source_folder_read_file(struct source *source, const char *path, const char *name, struct fault *fault)
{
    char *bytes = NULL;
    size_t len = 0;
    struct stat info;
    /* O_NONBLOCK: a fifo in the folder must not hold the loader. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return errno_fault(fault, path, "cannot open");
    enum err err = OK;
    if (fstat(fd, &info) != 0)
        err = errno_fault(fault, path, "cannot read");
    else if (!S_ISREG(info.st_mode))
        err = fault_set(fault, ERR_INVALID, path, 0, "not a regular file");
    else if (info.st_size > SOURCE_BYTES_MAX)
        err = fault_set(fault, ERR_TOO_LONG, path, 0, "a file has at most %d bytes", SOURCE_BYTES_MAX);
    else if (!(bytes = malloc((size_t)info.st_size + 1)))
        err = fault_set(fault, ERR_NOMEM, path, 0, "out of memory");
    else if (read_all(fd, bytes, (size_t)info.st_size, &len) != OK)
        err = errno_fault(fault, path, "cannot read");
    close(fd);
    if (err != OK) {
        free(bytes);
        return err;
    }
    bytes[len] = '\0';
    return source_add(source, name, bytes, len, fault);
}

/* Editors' leavings and papers are no part of a policy: saving notes must not make a new version. */
static bool is_left_out(const char *name)
{
    struct span span = span_of(name);
    return name[0] == '.' || name[0] == '#' || span_ends_with(span, SPAN("~")) || span_ends_with(span, SPAN(".md")) ||
           span_ends_with(span, SPAN(".swp")) || span_ends_with(span, SPAN(".tmp"));
}

/* Replaces `path` by what it links to, when that is below `root`. */
static enum err follow_link(const char *root, char path[PATH_MAX], struct fault *fault)
{
    char real[PATH_MAX];
    if (!realpath(path, real))
        return errno_fault(fault, path, "cannot follow the link");
    size_t len = strlen(root);
    if (strncmp(real, root, len) != 0 || real[len] != '/')
        return fault_set(fault, ERR_DENIED, path, 0, "the link leads out of the policy's folder, to %.200s", real);
    memcpy(path, real, strlen(real) + 1);
    return OK;
}

struct folder_walk {
    struct source *source;
    const char *root;
    struct fault *fault;
};

static enum err read_folder(const struct folder_walk *walk, const char *path, const char *prefix, int depth);

static enum err read_entry(const struct folder_walk *walk, const char *folder, const char *prefix, const char *entry,
                           int depth)
{
    char path[PATH_MAX];
    char name[SOURCE_NAME_MAX];
    struct stat info;
    int len = snprintf(path, sizeof(path), "%s/%s", folder, entry);
    if (len < 0 || (size_t)len >= sizeof(path))
        return fault_set(walk->fault, ERR_TOO_LONG, folder, 0, "the path is too long");
    len = snprintf(name, sizeof(name), "%s%s", prefix, entry);
    if (len < 0 || (size_t)len >= sizeof(name))
        return fault_set(walk->fault, ERR_TOO_LONG, path, 0, "a name below the folder has at most %d bytes",
                         SOURCE_NAME_MAX - 1);
    if (lstat(path, &info) != 0)
        return errno_fault(walk->fault, path, "cannot read");
    if (S_ISLNK(info.st_mode)) {
        enum err err = follow_link(walk->root, path, walk->fault);
        if (err != OK)
            return err;
        if (lstat(path, &info) != 0)
            return errno_fault(walk->fault, path, "cannot read");
    }
    if (!S_ISDIR(info.st_mode))
        return source_folder_read_file(walk->source, path, name, walk->fault);
    if (depth == SOURCE_DEPTH_MAX)
        return fault_set(walk->fault, ERR_FULL, path, 0, "folders are nested more than %d deep", SOURCE_DEPTH_MAX);
    len = snprintf(name, sizeof(name), "%s%s/", prefix, entry);
    if (len < 0 || (size_t)len >= sizeof(name))
        return fault_set(walk->fault, ERR_TOO_LONG, path, 0, "the name is too long");
    return read_folder(walk, path, name, depth + 1);
}

static enum err read_folder(const struct folder_walk *walk, const char *path, const char *prefix, int depth)
{
    DIR *folder = opendir(path);
    if (!folder)
        return errno_fault(walk->fault, path, "cannot open");
    enum err err = OK;
    const struct dirent *entry;
    while (err == OK && (entry = readdir(folder))) {
        if (!is_left_out(entry->d_name))
            err = read_entry(walk, path, prefix, entry->d_name, depth);
    }
    closedir(folder);
    return err;
}

enum err source_folder_read(struct source *source, const char *path, struct fault *fault)
{
    const struct folder_walk walk = {source, path, fault};
    return read_folder(&walk, path, "", 0);
}
