/* SPDX-License-Identifier: Apache-2.0 */
/* The classes of what constructors of ours return: a table with a locked metatable, known by its identity. */
#pragma once

#include <lua.h>
#include <stdbool.h>

enum { VM_CLASS_MAX = 8 };

/* Makes the metatables of `count` classes, with these names; once a VM. */
void vm_class_open(lua_State *L, const char *const *names, unsigned count);
/* Gives the table at the top of the stack its class. */
void vm_class_set(lua_State *L, unsigned class);
bool vm_class_is(lua_State *L, int index, unsigned class);
