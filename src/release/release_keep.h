/* SPDX-License-Identifier: Apache-2.0 */
/* Kept versions on disk: DIR/last_good/HASH/ with a policy's files, and DIR/last_good/current and /proven that each name one.
 * A copy is complete and synced before a name is replaced by one rename, so a crash leaves the one or the other. */
#pragma once

#include "source/source.h"
#include "util/err.h"

enum release_kept {
    RELEASE_KEPT_GOOD,   /* `current`: loaded last */
    RELEASE_KEPT_PROVEN, /* `proven`: has stood its probation, or there was none */
    RELEASE_KEPT_COUNT
};

/* Keeps `source`, which came from `path`, as `which`.  What is there already is not written again. */
MUST_CHECK enum err release_keep_save(const char *data_dir, enum release_kept which, const struct source *source,
                                      const char *path, struct fault *fault);

/* Reads the kept version of what was at `path`.  ERR_NOT_FOUND: none was kept, or one of another path; ERR_CORRUPT: the
 * bytes do not match their hash. */
MUST_CHECK enum err release_keep_load(const char *data_dir, enum release_kept which, const char *path,
                                      struct source **out_source, struct fault *fault);
