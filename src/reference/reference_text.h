/* SPDX-License-Identifier: Apache-2.0 */
/* What the response codes mean, in words, in each language.  Constant data in UTF-8; nothing here is ever freed. */
#pragma once

#include <stddef.h>

enum reference_language { REFERENCE_EN, REFERENCE_FR, REFERENCE_LANGUAGE_COUNT };

struct reference_text {
    unsigned short code;
    const char *name;    /* what it is called in this language; the phrase on the wire stays English */
    const char *meaning; /* what it says, one sentence */
    const char *when;    /* when one sees it, and when to send it */
    const char *caller;  /* what whoever asked should do */
    const char *server;  /* what the side that answers should do */
    const char
        *depth; /* paragraphs parted by a newline, or NULL: only codes that are easily mistaken have more to say */
};

/* Two codes that are easily mistaken for each other. */
struct reference_pair {
    unsigned short low, high; /* low < high */
    const char *text;         /* what parts them, and which to use when */
};

/* NULL: not registered. */
const struct reference_text *reference_text_find(unsigned code, enum reference_language language);
/* What parts two codes, in any order; NULL: there is nothing to say beyond their facts. */
const char *reference_text_pair(unsigned a, unsigned b, enum reference_language language);
/* "en", "fr", or a locale's name as in LANG ("fr_CA.UTF-8"); what is not French is English. */
enum reference_language reference_text_language(const char *locale);

/* The words around the texts. */
enum reference_label {
    REFERENCE_LABEL_CLASS,
    REFERENCE_LABEL_MEANING,
    REFERENCE_LABEL_WHEN,
    REFERENCE_LABEL_CALLER,
    REFERENCE_LABEL_SERVER,
    REFERENCE_LABEL_ABOUT,
    REFERENCE_LABEL_LASTING,
    REFERENCE_LABEL_NEXT,
    REFERENCE_LABEL_FORKING,
    REFERENCE_LABEL_CARRIES,
    REFERENCE_LABEL_SOURCE,
    REFERENCE_LABEL_SENT_AS,
    REFERENCE_LABEL_RECEIVED_FROM,
    REFERENCE_LABEL_NO_CAUSE,
    REFERENCE_LABEL_CAUSE_OF_REDIRECT,
    REFERENCE_LABEL_CAUSE_BY_WARNING,
    REFERENCE_LABEL_CAUSE_AT_USER,
    REFERENCE_LABEL_OTHER_CAUSES,
    REFERENCE_LABEL_NO_ANSWER,
    REFERENCE_LABEL_DIFFERENCES,
    REFERENCE_LABEL_SAME,
    REFERENCE_LABEL_CHOICE,
    REFERENCE_LABEL_IN_DEPTH,
    REFERENCE_LABEL_WHERE,
    REFERENCE_LABEL_NONE,
    REFERENCE_LABEL_COUNT
};
const char *reference_text_label(enum reference_label label, enum reference_language language);
/* "4xx, request failure", and what a forking proxy does with the class.  `class` is 1 to 6. */
const char *reference_text_class(unsigned class, enum reference_language language);
const char *reference_text_forking(unsigned class, enum reference_language language);
/* The facts of a struct reference_code in words. */
const char *reference_text_about(unsigned about, enum reference_language language);
const char *reference_text_lasting(unsigned lasting, enum reference_language language);
const char *reference_text_next(unsigned next, enum reference_language language);
