/* SPDX-License-Identifier: Apache-2.0 */
/* Checking and testing a policy without a network: the same dispatch, guard and reply builder as the daemon's. */
#pragma once

#include "util/buffer.h"
#include "util/err.h"

/* Prints findings ("policy.lua:12: warning: text") into `out`.  OK when there is no error; warnings alone are OK. */
MUST_CHECK enum err engine_check_policy(const char *path, struct buffer *out, unsigned *out_errors,
                                        unsigned *out_warnings);

/* Runs the policy's test.lua and prints one line a test into `out`.  OK when every test passed; ERR_NOT_FOUND when there
 * is no test.lua. */
MUST_CHECK enum err engine_test_policy(const char *path, struct buffer *out, unsigned *out_passed,
                                       unsigned *out_failed);
