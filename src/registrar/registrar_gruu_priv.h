/* SPDX-License-Identifier: Apache-2.0 */
/* What registrar_gruu.c and registrar_way.c share. */
#pragma once

#include "registrar/registrar_gruu.h"
#include "util/map.h"
#include "util/siphash.h"
#include <pthread.h>

struct registrar_gruus {
    struct seal *seal;
    struct siphash_key key;
    struct facts_gauge *held;     /* contacts by phone, and by phone and Call-ID */
    pthread_mutex_t mutex;        /* guards what follows */
    struct map by_phone, by_call; /* struct registrar_way */
    uint64_t offered;
};

/* A phone's, or (`with_call`) that of the GRUUs that it was given under one Call-ID. */
uint64_t registrar_gruu_key(const struct registrar_gruus *gruus, const struct registrar_phone *phone, bool with_call);
