/* SPDX-License-Identifier: Apache-2.0 */
/* A hash of a Lua value that is the same in every process, to say what a new version changed. */
#pragma once

#include "source/source.h"

#include <lua.h>
#include <stdint.h>

/* Of the value at `index`; `source` has the text of its functions.  Values nested over 16 deep count alike.  Uses stack,
 * makes nothing. */
uint64_t vm_fingerprint(lua_State *L, int index, const struct source *source);
