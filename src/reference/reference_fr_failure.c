/* SPDX-License-Identifier: Apache-2.0 */
/* 5xx and 6xx in French. */
#include "reference/reference_priv.h"

const struct reference_text reference_fr_failure[] = {
    {500, "Erreur interne du serveur", "Quelque chose a échoué dans le serveur ; cela ne dit rien de l'appelé.",
     "Un script en erreur, une base de données absente, un proxy qui a reçu un 503 de derrière lui.",
     "Réessayer plus tard, ou par un autre serveur.",
     "La bonne réponse à sa propre défaillance : jamais 404, jamais 410.", NULL},
    {501, "Non mis en œuvre", "Le serveur ne connaît cette méthode pour personne.",
     "Une méthode nouvelle chez un vieux serveur.", "S'en passer ici.",
     "Une méthode connue, mais pas pour cette adresse, relève de 405.", NULL},
    {502, "Mauvaise passerelle", "Le serveur derrière celui-ci a répondu n'importe quoi.",
     "Une passerelle dont l'autre côté parle mal ou est hors service.", "Essayer un autre chemin.",
     "Seulement de qui se tient entre deux : c'est l'autre côté qui a failli.", NULL},
    {503, "Service indisponible", "Le serveur entier ne peut répondre maintenant : surcharge ou entretien.",
     "Une surcharge, une vidange avant redémarrage, un annuaire illisible.",
     "Envoyer cette requête à un autre serveur (RFC 3263), et plus rien à celui-ci avant la fin de Retry-After.",
     "Seulement pour le serveur entier, avec Retry-After si l'on peut dire quand ; refuser la connexion dit la même "
     "chose.",
     "503 est la seule réponse qui arrête plus que la requête : qui l'entend avec Retry-After n'y envoie plus rien "
     "pendant "
     "ce temps, non pour ce numéro seul, mais pour tous. Sans Retry-After il se traite comme un 500 (RFC 3261 "
     "21.5.4).\n"
     "Aucune règle sur un numéro ne peut donc répondre 503, et un proxy qui en reçoit un de derrière lui transmet 500, "
     "sauf "
     "si tout ce qu'il enverrait d'autre échouait aussi. Pour un numéro qui ne peut être joint maintenant, il y a "
     "480.\n"
     "C'est aussi la réponse honnête d'une garde : là où l'on ne sait pas qui existe, ni 404 ni 410 n'est vrai.\n"
     "Les passerelles le transmettent comme cause 41, défaillance temporaire, et le tirent des causes 34, 38, 41, 42, "
     "47, "
     "58 et 88."},
    {504, "Délai du serveur dépassé", "Un autre serveur dont on avait besoin n'a pas répondu à temps.",
     "Une question à un autre système (portabilité, localisation) a trop duré.", "Réessayer plus tard.",
     "Pour un serveur interrogé en chemin ; pour l'appelé lui-même c'est 408.", NULL},
    {505, "Version non gérée", "Cette version de SIP n'est pas parlée ici.",
     "Une première ligne avec autre chose que SIP/2.0.", "Parler SIP/2.0.",
     "Répondre en SIP/2.0, quoi qu'on ait demandé.", NULL},
    {513, "Message trop grand", "Le message entier est plus long que le serveur ne l'accepte.",
     "Des champs ou un corps au-delà de ce que le serveur lit.", "Envoyer moins.",
     "Pour le message entier ; 413 vaut pour le corps seul.", NULL},
    {555, "Service de notification push non géré", "Le service push que le client a nommé n'est pas connu ici.",
     "Un REGISTER avec un pn-provider par lequel ce serveur ne sait pas réveiller les téléphones (RFC 8599).",
     "S'enregistrer sans push, ou par un autre fournisseur ; répéter tel quel n'aide jamais.",
     "Seulement pour le fournisseur ; des paramètres push faux relèvent de 400.", NULL},
    {580, "Précondition non remplie",
     "Une condition de la session (un débit réservé, par exemple) ne peut être remplie.",
     "Une offre aux préconditions obligatoires (RFC 3312).", "Offrir sans elles, ou renoncer.",
     "Le corps peut dire quelle condition a manqué.", NULL},
    {600, "Occupé partout", "L'appelé est occupé et ne veut pas qu'on essaie d'autres lieux.",
     "Un terminal ou un service qui parle pour tous les lieux d'une personne.",
     "Réessayer plus tard, après Retry-After s'il est donné.",
     "Seulement si l'on connaît tous les lieux : un proxy met fin à toute la recherche. Sinon 486.", NULL},
    {603, "Refus", "L'appelé ne veut pas de cet appel, nulle part.",
     "Quelqu'un presse « refuser » ; dans certains réseaux aussi les appels bloqués par la loi ou par analyse.",
     "Ne pas rappeler aussitôt ; Retry-After dit quand l'appel serait bienvenu.",
     "Il met fin à la recherche en tous lieux. Pour ce lieu seul : 480 ou 486.", NULL},
    {604, "N'existe nulle part", "Le serveur sait avec certitude que l'usager n'existe nulle part.",
     "Un serveur qui fait autorité pour ce nom, où qu'il soit enregistré.",
     "Vérifier l'adresse ; ne pas chercher plus loin.",
     "Rarement juste : il faut faire autorité au-delà de son domaine. Pour ici : 404.", NULL},
    {606, "Non acceptable", "L'appelé parlerait bien, mais nulle part de la façon offerte.",
     "Aucun média qu'un des lieux de la personne sache prendre.", "Offrir autre chose, selon Warning.",
     "Seulement si l'on parle pour tous les lieux ; sinon 488.", NULL},
    {607, "Indésirable", "L'appelé ne veut ni cet appel ni aucun autre de cet appelant.",
     "Un bouton « indésirable » sur le téléphone (RFC 8197).", "Cesser d'appeler cette personne.",
     "Seulement par un geste de l'appelé ; les réseaux peuvent le compter à l'appelant. L'avis d'une machine est 608.",
     NULL},
    {608, "Rejeté", "Une machine en chemin a tenu l'appel pour indésirable et l'a refusé.",
     "Une analyse dans le réseau (RFC 8688).", "Si l'appel était honnête, réclamer à l'adresse de Call-Info.",
     "Donner dans un Call-Info signé où l'appelant peut réclamer.", NULL},
    {0, NULL, NULL, NULL, NULL, NULL, NULL},
};
