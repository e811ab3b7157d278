/* SPDX-License-Identifier: Apache-2.0 */
/* Finds texts by code and language; the words around them. */
#include "reference/reference_text.h"
#include "reference/reference_code.h"
#include "reference/reference_priv.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { GROUPS = 4 };

static const struct reference_text *const texts[REFERENCE_LANGUAGE_COUNT][GROUPS] = {
    [REFERENCE_EN] = {reference_en_success, reference_en_request, reference_en_target, reference_en_failure},
    [REFERENCE_FR] = {reference_fr_success, reference_fr_request, reference_fr_target, reference_fr_failure},
};

static const struct reference_pair *const pairs[REFERENCE_LANGUAGE_COUNT] = {
    [REFERENCE_EN] = reference_en_pairs,
    [REFERENCE_FR] = reference_fr_pairs,
};

const struct reference_text *reference_text_find(unsigned code, enum reference_language language)
{
    for (size_t group = 0; group < GROUPS; group++) {
        for (const struct reference_text *at = texts[language][group]; at->code; at++) {
            if (at->code == code)
                return at;
        }
    }
    return NULL;
}

const char *reference_text_pair(unsigned a, unsigned b, enum reference_language language)
{
    for (const struct reference_pair *at = pairs[language]; at->low; at++) {
        if ((at->low == a && at->high == b) || (at->low == b && at->high == a))
            return at->text;
    }
    return NULL;
}

enum reference_language reference_text_language(const char *locale)
{
    bool french = locale && strncasecmp(locale, "fr", 2) == 0 && strchr("_.@-", locale[2]);
    return french ? REFERENCE_FR : REFERENCE_EN;
}

const char *reference_text_label(enum reference_label label, enum reference_language language)
{
    static const char *const labels[REFERENCE_LABEL_COUNT][REFERENCE_LANGUAGE_COUNT] = {
        [REFERENCE_LABEL_CLASS] = {"Class", "Classe"},
        [REFERENCE_LABEL_MEANING] = {"It says", "Sens"},
        [REFERENCE_LABEL_WHEN] = {"When", "Quand"},
        [REFERENCE_LABEL_CALLER] = {"Caller", "Appelant"},
        [REFERENCE_LABEL_SERVER] = {"Answerer", "Répondant"},
        [REFERENCE_LABEL_ABOUT] = {"About", "Porte sur"},
        [REFERENCE_LABEL_LASTING] = {"Lasts", "Durée"},
        [REFERENCE_LABEL_NEXT] = {"Next", "Suite"},
        [REFERENCE_LABEL_FORKING] = {"Forking", "Recherche"},
        [REFERENCE_LABEL_CARRIES] = {"Carries", "Champs"},
        [REFERENCE_LABEL_SOURCE] = {"Defined in", "Défini par"},
        [REFERENCE_LABEL_SENT_AS] = {"Q.850 out", "Vers Q.850"},
        [REFERENCE_LABEL_RECEIVED_FROM] = {"Q.850 in", "De Q.850"},
        [REFERENCE_LABEL_NO_CAUSE] = {"no cause", "pas de cause"},
        [REFERENCE_LABEL_CAUSE_OF_REDIRECT] = {"none where the gateway itself calls the addresses in Contact; "
                                               "else 23, with the new number as diagnostic",
                                               "aucune si la passerelle appelle elle-même les adresses de Contact ; "
                                               "sinon 23, avec le nouveau numéro pour diagnostic"},
        [REFERENCE_LABEL_CAUSE_BY_WARNING] = {"where Warning speaks of the bearer",
                                              "si Warning parle du service support"},
        [REFERENCE_LABEL_CAUSE_AT_USER] = {"located at the user", "localisée chez l'usager"},
        [REFERENCE_LABEL_OTHER_CAUSES] = {"every cause that RFC 3398 and RFC 4497 do not list",
                                          "toute cause que les RFC 3398 et 4497 ne citent pas"},
        [REFERENCE_LABEL_NO_ANSWER] = {"no answer: BYE or CANCEL", "aucune réponse : BYE ou CANCEL"},
        [REFERENCE_LABEL_DIFFERENCES] = {"Key differences", "Différences essentielles"},
        [REFERENCE_LABEL_SAME] = {"The same in both", "Communs aux deux"},
        [REFERENCE_LABEL_CHOICE] = {"Which to use when", "Lequel choisir"},
        [REFERENCE_LABEL_IN_DEPTH] = {"In depth", "En détail"},
        [REFERENCE_LABEL_WHERE] = {"where", "quand"},
        [REFERENCE_LABEL_NONE] = {"nothing in particular", "rien de particulier"},
    };
    return labels[label][language];
}

const char *reference_text_class(unsigned class, enum reference_language language)
{
    static const char *const classes[][REFERENCE_LANGUAGE_COUNT] = {
        {"1xx, provisional", "1xx, provisoire"},          {"2xx, success", "2xx, succès"},
        {"3xx, redirection", "3xx, redirection"},         {"4xx, request failure", "4xx, échec de la requête"},
        {"5xx, server failure", "5xx, échec du serveur"}, {"6xx, global failure", "6xx, échec global"},
    };
    return class >= 1 && class <= 6 ? classes[class - 1][language] : "";
}

const char *reference_text_forking(unsigned class, enum reference_language language)
{
    static const char *const forking[][REFERENCE_LANGUAGE_COUNT] = {
        {"a proxy hands it on, except 100, and goes on waiting",
         "un proxy le transmet, sauf 100, et continue d'attendre"},
        {"a proxy hands it on at once and cancels the other branches of an INVITE",
         "un proxy le transmet aussitôt et annule les autres branches d'un INVITE"},
        {"a proxy that is responsible for the address may try the new ones itself; "
         "else this goes before any 4xx or 5xx",
         "un proxy responsable de l'adresse peut essayer lui-même les nouvelles ; "
         "sinon ceci passe avant tout 4xx ou 5xx"},
        {"a proxy goes on with the other branches; any 2xx, 6xx or 3xx of theirs goes before this",
         "un proxy poursuit sur les autres branches ; leurs 2xx, 6xx ou 3xx passent avant ceci"},
        {"a proxy goes on with the other branches; whatever else they answer goes before this, "
         "and of a lone 503 it makes a 500, unless every request would get it",
         "un proxy poursuit sur les autres branches ; toute autre réponse passe avant ceci, "
         "et d'un 503 seul il fait un 500, sauf si toute requête le recevrait"},
        {"a proxy ends the whole search: it starts no other branch, cancels those that are open, "
         "and hands this on when they have ended, unless one of them still was answered by 2xx",
         "un proxy met fin à toute la recherche : il n'ouvre plus de branche, annule celles qui sont ouvertes, "
         "et transmet ceci quand elles ont fini, sauf si l'une d'elles a encore répondu 2xx"},
    };
    return class >= 1 && class <= 6 ? forking[class - 1][language] : "";
}

const char *reference_text_about(unsigned about, enum reference_language language)
{
    static const char *const words[REFERENCE_ABOUT_COUNT][REFERENCE_LANGUAGE_COUNT] = {
        [REFERENCE_ABOUT_ATTEMPT] = {"how far the attempt has come", "l'avancement de la tentative"},
        [REFERENCE_ABOUT_REQUEST] = {"the request, not whom it asks for", "la requête, et non qui elle demande"},
        [REFERENCE_ABOUT_TARGET] = {"whom was asked for, at this address", "qui est demandé, à cette adresse"},
        [REFERENCE_ABOUT_EVERYWHERE] = {"whom was asked for, wherever they are", "qui est demandé, où que ce soit"},
        [REFERENCE_ABOUT_SERVER] = {"the server; nothing about whom was asked for",
                                    "le serveur ; rien sur qui est demandé"},
        [REFERENCE_ABOUT_DIALOG] = {"a call or transaction that is already there",
                                    "un appel ou une transaction déjà en place"},
    };
    return about < REFERENCE_ABOUT_COUNT ? words[about][language] : "";
}

const char *reference_text_lasting(unsigned lasting, enum reference_language language)
{
    static const char *const words[REFERENCE_LASTING_COUNT][REFERENCE_LANGUAGE_COUNT] = {
        [REFERENCE_LASTING_UNSAID] = {"not said", "non précisée"},
        [REFERENCE_LASTING_NOW] = {"for now", "pour l'instant"},
        [REFERENCE_LASTING_GOOD] = {"for good", "définitive"},
    };
    return lasting < REFERENCE_LASTING_COUNT ? words[lasting][language] : "";
}

const char *reference_text_next(unsigned next, enum reference_language language)
{
    static const char *const words[REFERENCE_NEXT_COUNT][REFERENCE_LANGUAGE_COUNT] = {
        [REFERENCE_NEXT_NOTHING] = {"nothing to repeat", "rien à répéter"},
        [REFERENCE_NEXT_LATER] = {"the same request, later", "la même requête, plus tard"},
        [REFERENCE_NEXT_CHANGED] = {"only a changed request", "seulement une requête modifiée"},
        [REFERENCE_NEXT_CONTACT] = {"the addresses in Contact", "les adresses de Contact"},
        [REFERENCE_NEXT_OTHER] = {"another server or another way", "un autre serveur ou un autre chemin"},
        [REFERENCE_NEXT_ELSEWHERE] = {"nothing here; other addresses stay open",
                                      "rien ici ; d'autres adresses restent possibles"},
        [REFERENCE_NEXT_NEVER] = {"nothing, here or elsewhere", "rien, ni ici ni ailleurs"},
    };
    return next < REFERENCE_NEXT_COUNT ? words[next][language] : "";
}
