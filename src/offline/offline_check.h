/* SPDX-License-Identifier: Apache-2.0 */
/* Checking and testing a policy without a network: the same dispatch, guard and reply builder as the daemon's, on a clock,
 * a wire and a directory that each test gives. */
#pragma once

#include "authoring/authoring_test.h"
#include "engine/engine_config.h"
#include "util/buffer.h"

/* Prints findings ("policy.lua:12:3: warning: text") into `out`.  OK when there is no error; warnings alone are OK. */
MUST_CHECK enum err offline_check_policy(const char *path, struct buffer *out, unsigned *out_errors,
                                         unsigned *out_warnings);

struct offline_test_ask {
    const char *path;
    struct buffer *out;   /* one line a test, and the coverage */
    struct buffer *junit; /* the same as JUnit's XML; NULL: not wanted */
    bool coverage;
};

struct offline_test_result {
    unsigned passed;
    unsigned failed;
    unsigned covered; /* per cent of lines, rules and branches together; only with `coverage` */
};

/* Runs the policy's test.lua.  OK when every test passed, ERR_CONFLICT when one failed; ERR_NOT_FOUND when there is no
 * test.lua; any other error stands in `out`, with file and line.  *out_result is set in every case. */
MUST_CHECK enum err offline_test_policy(const struct offline_test_ask *ask, struct offline_test_result *out_result);

/* The same for a reload: no output, but the first failed test in `fault` (ERR_CONFLICT).  `config` NULL: the defaults. */
MUST_CHECK enum err offline_test_source(const struct engine_config *config, struct source *source,
                                        struct authoring_test_summary *out_summary, struct fault *fault);
