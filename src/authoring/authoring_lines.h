/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines of a script can run: those that its compiled code names.  Lua tells them only of functions that exist, so
 * the binary form of the chunk is read (Lua 5.4's; the header says which). */
#pragma once

#include "util/err.h"
#include "util/span.h"

enum { AUTHORING_LINES_MAX = 32768 };

/* Sets out_lines[line] for each line that can run.  ERR_SYNTAX: the script does not compile; ERR_UNSUPPORTED: this Lua
 * writes chunks of another form. */
MUST_CHECK enum err authoring_lines_find(struct span script, bool out_lines[AUTHORING_LINES_MAX]);
