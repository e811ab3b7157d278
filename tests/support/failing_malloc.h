/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the n-th allocation fail, so that a test can walk every out-of-memory path of a constructor:
 *
 *     for (unsigned n = 1; ; n++) {
 *         failing_malloc_at(n);
 *         enum err err = thing_new(&thing);
 *         if (!failing_malloc_off())
 *             break;                          // n was never reached: the whole construction succeeded
 *         assert_int_equal(err, ERR_NOMEM);
 *     }
 *
 * A test that includes this file is linked with malloc, calloc, realloc and aligned_alloc wrapped (CMakeLists.txt): what
 * our code allocates is counted, what libraries allocate inside is not.  One thread. */
#pragma once

#include <stdbool.h>

/* From now on, allocation number `nth` (1: the next one) fails, once. */
void failing_malloc_at(unsigned nth);
/* The same, and every one after it. */
void failing_malloc_from(unsigned nth);
/* No more failures; whether one has happened since failing_malloc_at. */
bool failing_malloc_off(void);
