/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of RFC 3398 7.2.4.1 and 8.2.6.1, and what the tables of RFC 4497 8.4.1 have beyond them. */
#include "reference/reference_cause.h"

#include <stdbool.h>

#define CAUSE(cause, code, en, fr)                                                                                     \
    {                                                                                                                  \
        cause, code, 0, {en, fr},                                                                                      \
        {                                                                                                              \
            NULL, NULL                                                                                                 \
        }                                                                                                              \
    }
#define CAUSE_OR(cause, code, en, fr, instead, en_where, fr_where)                                                     \
    {                                                                                                                  \
        cause, code, instead, {en, fr},                                                                                \
        {                                                                                                              \
            en_where, fr_where                                                                                         \
        }                                                                                                              \
    }

/* 16 ends a call by BYE or CANCEL, and by 500 where an INVITE has to be answered (RFC 4497 8.4.1, note 3).  25 and 63 are
 * here because answers become them; neither RFC lists them as causes, so that they are answered by 500.  Only RFC 4497 has
 * 69, and only RFC 3398 has 26. */
static const struct reference_cause causes[] = {
    CAUSE(1, 404, "unallocated number", "numéro non attribué"),
    CAUSE(2, 404, "no route to transit network", "pas d'acheminement vers le réseau de transit"),
    CAUSE(3, 404, "no route to destination", "pas d'acheminement vers la destination"),
    CAUSE_OR(16, 0, "normal call clearing", "libération normale de l'appel", 500,
             "an INVITE still waits for its answer", "un INVITE attend encore sa réponse"),
    CAUSE(17, 486, "user busy", "usager occupé"),
    CAUSE(18, 408, "no user responding", "pas de réponse de l'équipement de l'usager"),
    CAUSE(19, 480, "no answer from user", "l'usager alerté ne répond pas"),
    CAUSE(20, 480, "subscriber absent", "abonné absent"),
    CAUSE_OR(21, 403, "call rejected", "appel rejeté", 603, "the location of the cause is the user",
             "la cause est située chez l'usager"),
    CAUSE_OR(22, 410, "number changed", "numéro changé", 301, "the diagnostic gives the new number",
             "le diagnostic donne le nouveau numéro"),
    CAUSE(23, 410, "redirection to new destination", "redirection vers une nouvelle destination"),
    CAUSE(25, 500, "exchange routing error", "erreur d'acheminement dans un commutateur"),
    CAUSE(26, 404, "non-selected user clearing", "libération d'un usager non retenu"),
    CAUSE(27, 502, "destination out of order", "destination hors service"),
    CAUSE(28, 484, "invalid number format", "format de numéro non valable (incomplet)"),
    CAUSE(29, 501, "facility rejected", "service complémentaire refusé"),
    CAUSE(31, 480, "normal, unspecified", "événement normal, sans précision"),
    CAUSE(34, 503, "no circuit available", "aucun circuit disponible"),
    CAUSE(38, 503, "network out of order", "réseau hors service"),
    CAUSE(41, 503, "temporary failure", "défaillance temporaire"),
    CAUSE(42, 503, "switching equipment congestion", "encombrement de l'équipement de commutation"),
    CAUSE(47, 503, "resource unavailable", "ressource indisponible"),
    CAUSE(55, 403, "incoming calls barred within the closed user group",
          "appels entrants interdits dans le groupe fermé d'usagers"),
    CAUSE(57, 403, "bearer capability not authorized", "service support non autorisé"),
    CAUSE(58, 503, "bearer capability not presently available", "service support actuellement indisponible"),
    CAUSE(63, 500, "service or option not available", "service ou option indisponible"),
    CAUSE(65, 488, "bearer capability not implemented", "service support non mis en œuvre"),
    CAUSE(69, 501, "requested facility not implemented", "service complémentaire demandé non mis en œuvre"),
    CAUSE(70, 488, "only restricted digital information available",
          "seule l'information numérique restreinte est disponible"),
    CAUSE(79, 501, "service or option not implemented", "service ou option non mis en œuvre"),
    CAUSE(87, 403, "user not a member of the closed user group", "l'usager n'est pas membre du groupe fermé"),
    CAUSE(88, 503, "incompatible destination", "destination incompatible"),
    CAUSE(102, 504, "recovery on timer expiry", "reprise sur expiration de temporisation"),
    CAUSE(111, 500, "protocol error", "erreur de protocole"),
    CAUSE(127, 500, "interworking, unspecified", "interfonctionnement, sans précision"),
};

/* For what RFC 3398 8.2.6.1 does not list, and for most Warnings of a 488 or 606: normal, unspecified. */
enum { SENT_AS_DEFAULT = 31, CAUSE_BEARER = 65 };

/* RFC 3398 8.2.6.1, in order of codes.  The RFC prints 505 as a second 504. */
static const struct {
    unsigned short code;
    unsigned char cause;
} sent_as[] = {
    {400, 41}, {401, 21},  {402, 21},  {403, 21},  {404, 1},   {405, 63},  {406, 79},  {407, 21},  {408, 102},
    {410, 22}, {413, 127}, {414, 127}, {415, 79},  {416, 127}, {420, 127}, {421, 127}, {423, 127}, {480, 18},
    {481, 41}, {482, 25},  {483, 25},  {484, 28},  {485, 1},   {486, 17},  {500, 41},  {501, 79},  {502, 38},
    {503, 41}, {504, 102}, {505, 127}, {513, 127}, {600, 17},  {603, 21},  {604, 1},
};

const struct reference_cause *reference_cause_find(unsigned cause)
{
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
        if (causes[i].cause == cause)
            return &causes[i];
    }
    return NULL;
}

const struct reference_cause *reference_cause_at(size_t index)
{
    return index < sizeof(causes) / sizeof(causes[0]) ? &causes[index] : NULL;
}

unsigned reference_cause_of_code(unsigned code)
{
    for (size_t i = 0; i < sizeof(sent_as) / sizeof(sent_as[0]); i++) {
        if (sent_as[i].code == code)
            return sent_as[i].cause;
    }
    bool failed = code >= 400 && code <= 699 && code != 487;
    return failed ? SENT_AS_DEFAULT : 0;
}

unsigned reference_cause_by_warning(unsigned code)
{
    return code == 488 || code == 606 ? CAUSE_BEARER : 0;
}
