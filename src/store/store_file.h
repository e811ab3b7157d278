/* SPDX-License-Identifier: Apache-2.0 */
/* The few file operations that have to survive a crash: replace a small file, rename a folder, remove a folder, each
 * followed by the fsync that makes it last. */
#pragma once

#include "util/err.h"
#include "util/span.h"

enum { STORE_PATH_MAX = 1024 };

/* Joins into out[STORE_PATH_MAX]; `name` may be NULL.  ERR_TOO_LONG. */
MUST_CHECK enum err store_path(char *out_path, const char *folder, const char *name);
/* Makes one folder, 0700; fine when it is there. */
MUST_CHECK enum err store_make_folder(const char *path);
/* Leaves an empty file FOLDER/NAME that remembers something (that a directory was made here, say); whether it is there. */
MUST_CHECK enum err store_mark(const char *folder, const char *name);
bool store_is_marked(const char *folder, const char *name);
/* The whole content, at most cap-1 bytes, terminated.  ERR_NOT_FOUND, ERR_TOO_LONG, ERR_IO. */
MUST_CHECK enum err store_file_read(const char *path, char *out_text, size_t cap, size_t *out_len);
/* Old content or new content, never a mixture: a new file beside it, synced, renamed, folder synced. */
MUST_CHECK enum err store_file_replace(const char *path, struct span content);
/* rename(2) and the sync of the folder it happens in.  Both are in `folder`. */
MUST_CHECK enum err store_rename(const char *folder, const char *from, const char *to);
MUST_CHECK enum err store_sync_folder(const char *path);
/* Removes a folder with the files and folders in it; fine when it is not there. */
MUST_CHECK enum err store_remove_folder(const char *path);
/* errno as enum err: ENOENT NOT_FOUND, EACCES DENIED, ENOSPC FULL, ... */
enum err store_errno(int number);
