/* SPDX-License-Identifier: Apache-2.0 */
/* File operations that survive a crash: write, fsync, rename, fsync of the folder. */
#include "store/store_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum err store_errno(int number)
{
    switch (number) {
    case 0:
        return OK;
    case ENOENT:
        return ERR_NOT_FOUND;
    case ENOMEM:
        return ERR_NOMEM;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case EEXIST:
    case ENOTEMPTY:
        return ERR_EXISTS;
    case ENAMETOOLONG:
        return ERR_TOO_LONG;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
        return ERR_FULL;
    case EWOULDBLOCK:
    case EBUSY:
        return ERR_BUSY;
    default:
        return ERR_IO;
    }
}

enum err store_path(char *out_path, const char *folder, const char *name)
{
    size_t folder_len = strlen(folder);
    size_t name_len = name ? strlen(name) + 1 : 0;
    if (folder_len + name_len >= STORE_PATH_MAX)
        return ERR_TOO_LONG;
    memmove(out_path, folder, folder_len + 1);
    if (name) {
        out_path[folder_len] = '/';
        memcpy(out_path + folder_len + 1, name, name_len);
    }
    return OK;
}

enum err store_make_folder(const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return OK;
    return store_errno(errno);
}

enum err store_file_read(const char *path, char *out_text, size_t cap, size_t *out_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return store_errno(errno);
    size_t len = 0;
    ssize_t got = 0;
    while (len < cap && (got = read(fd, out_text + len, cap - len)) > 0)
        len += (size_t)got;
    int number = errno;
    close(fd);
    if (got < 0)
        return store_errno(number);
    if (len == cap)
        return ERR_TOO_LONG;
    out_text[len] = '\0';
    *out_len = len;
    return OK;
}

enum err store_sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return store_errno(errno);
    int result = fsync(fd);
    int number = errno;
    close(fd);
    return result == 0 ? OK : store_errno(number);
}

static enum err write_whole(const char *path, struct span content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return store_errno(errno);
    enum err err = OK;
    size_t done = 0;
    while (done < content.len && err == OK) {
        ssize_t wrote = write(fd, content.at + done, content.len - done);
        if (wrote < 0 && errno != EINTR)
            err = store_errno(errno);
        else if (wrote > 0)
            done += (size_t)wrote;
    }
    if (err == OK && fsync(fd) != 0)
        err = store_errno(errno);
    if (close(fd) != 0 && err == OK)
        err = store_errno(errno);
    return err;
}

/* The folder that `path` is in, into out_folder[STORE_PATH_MAX]. */
static enum err parent_of(const char *path, char *out_folder)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return store_path(out_folder, ".", NULL);
    if (slash == path)
        return store_path(out_folder, "/", NULL);
    return span_copy(span_make(path, (size_t)(slash - path)), out_folder, STORE_PATH_MAX) ? OK : ERR_TOO_LONG;
}

enum err store_file_replace(const char *path, struct span content)
{
    char beside[STORE_PATH_MAX + 8];
    char folder[STORE_PATH_MAX];
    if (strlen(path) >= STORE_PATH_MAX)
        return ERR_TOO_LONG;
    snprintf(beside, sizeof(beside), "%s.new", path);
    enum err err = parent_of(path, folder);
    if (err == OK)
        err = write_whole(beside, content);
    if (err == OK && rename(beside, path) != 0)
        err = store_errno(errno);
    if (err != OK) {
        unlink(beside);
        return err;
    }
    return store_sync_folder(folder);
}

enum err store_rename(const char *folder, const char *from, const char *to)
{
    char from_path[STORE_PATH_MAX];
    char to_path[STORE_PATH_MAX];
    enum err err = store_path(from_path, folder, from);
    if (err == OK)
        err = store_path(to_path, folder, to);
    if (err != OK)
        return err;
    if (rename(from_path, to_path) != 0)
        return store_errno(errno);
    return store_sync_folder(folder);
}

/* Removes what is in `fd`'s folder, `depth` levels down at most: a kept policy has five. */
static enum err remove_content(int folder_fd, int depth)
{
    DIR *dir = fdopendir(folder_fd);
    if (!dir) {
        close(folder_fd);
        return ERR_IO;
    }
    enum err err = OK;
    struct dirent *entry;
    while (err == OK && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0) == 0)
            continue;
        int inner = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner < 0)
            err = store_errno(errno);
        else if (depth == 0)
            err = (close(inner), ERR_IO);
        else
            err = remove_content(inner, depth - 1);
        if (err == OK && unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR) != 0)
            err = store_errno(errno);
    }
    closedir(dir);
    return err;
}

enum err store_remove_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? OK : store_errno(errno);
    enum err err = remove_content(fd, 6);
    if (err == OK && rmdir(path) != 0 && errno != ENOENT)
        err = store_errno(errno);
    return err;
}

enum err store_mark(const char *folder, const char *name)
{
    char path[STORE_PATH_MAX];
    enum err err = store_path(path, folder, name);
    int fd = err == OK ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (err == OK && fd < 0)
        err = store_errno(errno);
    if (fd >= 0)
        close(fd);
    return err;
}

bool store_is_marked(const char *folder, const char *name)
{
    char path[STORE_PATH_MAX];
    return store_path(path, folder, name) == OK && access(path, F_OK) == 0;
}
