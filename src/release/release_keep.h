/* SPDX-License-Identifier: Apache-2.0 */
/* The last good version on disk: DIR/last_good/HASH/ with the policy's files, and DIR/last_good/current that names it.  A
 * copy is complete and synced before `current` is replaced by one rename, so a crash leaves the one or the other. */
#pragma once

#include "source/source.h"
#include "util/err.h"

/* Keeps `source`, which came from `path`.  What is there already is not written again. */
MUST_CHECK enum err release_keep_save(const char *data_dir, const struct source *source, const char *path,
                                      struct fault *fault);

/* Reads the kept version of what was at `path`.  ERR_NOT_FOUND: none was kept, or one of another path; ERR_CORRUPT: the
 * bytes do not match their hash. */
MUST_CHECK enum err release_keep_load(const char *data_dir, const char *path, struct source **out_source,
                                      struct fault *fault);
