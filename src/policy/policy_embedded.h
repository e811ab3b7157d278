/* SPDX-License-Identifier: Apache-2.0 */
/* The Lua that ships inside the binary: lua/ as C arrays, made by scripts/embed_lua.cmake. */
#pragma once

#include <stddef.h>

struct embedded_file {
    const char *name;  /* "testing.lua" */
    const char *bytes; /* terminated */
    size_t len;
};

/* Ends with a row whose name is NULL. */
extern const struct embedded_file embedded_lua[];
