/* SPDX-License-Identifier: Apache-2.0 */
/* The clock and the printing that all peers share: the best of many batches, as bench_parse.c does for our own. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PEER_CAP = 65536, PEER_BATCH = 500 };

static inline double peer_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* usage: PEER FILE ROUNDS */
static inline int peer_main(int argc, char **argv, const char *name, void (*parse)(char *bytes, size_t len))
{
    static char bytes[PEER_CAP];
    FILE *file = argc > 2 ? fopen(argv[1], "rb") : NULL;
    size_t len = file ? fread(bytes, 1, sizeof(bytes) - 1, file) : 0;
    if (file)
        fclose(file);
    if (!len)
        return 1;
    double best = 1e18;
    for (unsigned long round = strtoul(argv[2], NULL, 10); round > 0; round--) {
        double from = peer_now_ns();
        for (int at = 0; at < PEER_BATCH; at++)
            parse(bytes, len);
        double each = (peer_now_ns() - from) / PEER_BATCH;
        best = each < best ? each : best;
    }
    printf("{\"bench\":\"parse\",\"what\":\"%s\",\"ns\":%.0f}\n", name, best);
    return 0;
}
