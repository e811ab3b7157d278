/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#pragma once

#include "source/source.h"

/* source_folder.c, for source.c: what the path is, with links resolved. */
MUST_CHECK enum err source_folder_resolve(const char *path, char *out_real, size_t real_cap, bool *out_is_file,
                                          struct fault *fault);
MUST_CHECK enum err source_folder_read(struct source *source, const char *path, struct fault *fault);
MUST_CHECK enum err source_folder_read_file(struct source *source, const char *path, const char *name,
                                            struct fault *fault);
/* Takes `bytes_take` (heap), also on failure. */
MUST_CHECK enum err source_add(struct source *source, const char *name, char *bytes_take, size_t len,
                               struct fault *fault);
