/* SPDX-License-Identifier: Apache-2.0 */
/* The SIP response codes that IANA registers: facts that need no language.  Constant data, no allocation. */
#pragma once

#include <stddef.h>

/* What an answer speaks about. */
enum reference_about {
    REFERENCE_ABOUT_ATTEMPT,    /* how far the attempt has come */
    REFERENCE_ABOUT_REQUEST,    /* the request itself: form, credentials, extensions */
    REFERENCE_ABOUT_TARGET,     /* whom was asked for, at this address */
    REFERENCE_ABOUT_EVERYWHERE, /* whom was asked for, wherever they are */
    REFERENCE_ABOUT_SERVER,     /* the server alone */
    REFERENCE_ABOUT_DIALOG,     /* a call or transaction that is already there */
    REFERENCE_ABOUT_COUNT
};

/* How long it holds. */
enum reference_lasting {
    REFERENCE_LASTING_UNSAID,
    REFERENCE_LASTING_NOW,
    REFERENCE_LASTING_GOOD,
    REFERENCE_LASTING_COUNT
};

/* What may be tried next. */
enum reference_next {
    REFERENCE_NEXT_NOTHING,   /* it succeeded, or it is still going on */
    REFERENCE_NEXT_LATER,     /* the same request, later */
    REFERENCE_NEXT_CHANGED,   /* another request: the answer says what to change */
    REFERENCE_NEXT_CONTACT,   /* the address in Contact */
    REFERENCE_NEXT_OTHER,     /* another server */
    REFERENCE_NEXT_ELSEWHERE, /* nothing here; other addresses of the same person are untouched */
    REFERENCE_NEXT_NEVER,     /* nothing, neither here nor anywhere */
    REFERENCE_NEXT_COUNT
};

struct reference_code {
    unsigned short code;
    const char *phrase;  /* as the registry has it */
    const char *source;  /* "RFC 3261 21.4.10" */
    const char *carries; /* headers that belong to it: "Contact, Expires", or "" */
    unsigned char about, lasting, next;
};

/* NULL: not registered. */
const struct reference_code *reference_code_find(unsigned code);
/* By a reason phrase, case counting nothing: "not found".  The first code that has it (406 before 606); NULL: none. */
const struct reference_code *reference_code_named(const char *phrase);
/* In order of codes; NULL behind the last. */
const struct reference_code *reference_code_at(size_t index);
/* The registered neighbours of a code that is not: below and above it, within its class, NULL where there is none. */
void reference_code_nearest(unsigned code, const struct reference_code **out_below,
                            const struct reference_code **out_above);
