/* SPDX-License-Identifier: Apache-2.0 */
/* A programmer's error is not bad input: invariant() is always compiled in and aborts with file and line.
 * Nothing that comes from the wire, the disk or a script may reach it. */
#pragma once

#define invariant(condition)                                                                                           \
    do {                                                                                                               \
        if (__builtin_expect(!(condition), 0))                                                                         \
            invariant_failed(#condition, __FILE__, __LINE__);                                                          \
    } while (0)

__attribute__((noreturn, cold)) void invariant_failed(const char *condition, const char *file, int line);
