/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the process when its own logic is broken: say where, then abort so that a core is left. */
#include "util/invariant.h"

#include <stdio.h>
#include <stdlib.h>

void invariant_failed(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: invariant failed: %s\n", file, line, condition);
    abort();
}
