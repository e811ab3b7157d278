/* SPDX-License-Identifier: Apache-2.0 */
/* A control API over a world that is made up, and the simplest client that can speak to it. */
#pragma once

#include "admin/admin.h"
#include "directory/directory.h"
#include <stdbool.h>

enum { ANSWER_MAX = 2 << 20 };

struct admin_bench {
    char folder[256];
    char socket_path[300];
    struct admin_world world;
    struct admin *admin;
    struct directory *directory; /* NULL until bench_with_directory */
    bool going;                  /* the control thread refuses */
    bool certificates_broken;
    enum err reload_err;
    char reload_path[256]; /* what the last reload asked for; "-" for none */
    bool drained;
    unsigned controls;
    int status;              /* of the last answer */
    char answer[ANSWER_MAX]; /* body, terminated */
    char head[4096];
};

/* For cmocka. */
int bench_setup(void **state);
int bench_teardown(void **state);
/* Opens an empty place for a directory: never made. */
void bench_with_directory(struct admin_bench *bench);

/* One request over the unix socket; fills status, head and answer.  `body` NULL: none. */
void bench_ask(struct admin_bench *bench, const char *method, const char *path, const char *body);
/* The same over an open socket to anywhere, which it closes. */
void bench_ask_on(struct admin_bench *bench, int fd, const char *method, const char *path, const char *body);
int bench_connect(const struct admin_bench *bench);
int bench_connect_tcp(const char *address);
void bench_expect(struct admin_bench *bench, int status, const char *part);
