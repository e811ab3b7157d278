/* SPDX-License-Identifier: Apache-2.0 */
/* 5xx and 6xx in French. */
#include "reference/reference_priv.h"

const struct reference_text reference_fr_failure[] = {
    {500, "Erreur interne du serveur", "Quelque chose a échoué dans le serveur ; cela ne dit rien de l'appelé.",
     "Un script en erreur, une base de données absente, un proxy qui n'a reçu qu'un 503 de derrière lui ; dans un "
     "dialogue, aussi une requête arrivée dans le désordre (RFC 3261 12.2.2).",
     "Réessayer après quelques secondes, ou quand Retry-After le dit.",
     "La bonne réponse à sa propre défaillance : jamais 404, jamais 410.", NULL},
    {501, "Non mis en œuvre", "Le serveur ne connaît cette méthode pour personne.",
     "Une méthode nouvelle chez un vieux serveur.", "S'en passer ici.",
     "Une méthode connue, mais pas pour cette adresse, relève de 405.", NULL},
    {502, "Mauvaise passerelle", "Le serveur derrière celui-ci a donné une réponse non valable.",
     "Une passerelle ou un proxy dont l'autre côté parle mal ; du réseau téléphonique, une destination hors service.",
     "Essayer un autre chemin.", "Seulement de qui se tient entre deux : c'est l'autre côté qui a failli.", NULL},
    {503, "Service indisponible", "Le serveur entier ne peut répondre maintenant : surcharge ou entretien.",
     "Une surcharge, une vidange avant redémarrage, un annuaire illisible.",
     "Envoyer cette requête à un autre serveur (RFC 3263), et plus rien à celui-ci avant la fin de Retry-After.",
     "Seulement pour le serveur entier, avec Retry-After si l'on peut dire quand ; refuser la connexion ou laisser "
     "tomber la requête dit la même chose.",
     "503 est la seule réponse qui arrête plus que la requête : qui l'entend avec Retry-After ne devrait plus rien y "
     "envoyer pendant ce temps, non pour ce numéro seul, mais pour tous. Sans Retry-After il se traite comme un 500 "
     "(RFC 3261 21.5.4). Une connexion refusée ou rompue compte aussi comme un 503 (RFC 3261 8.1.3.1).\n"
     "Aucune règle sur un numéro ne peut donc répondre 503. Pour un numéro qui ne peut être joint maintenant, il y a "
     "480.\n"
     "Un proxy qui en reçoit un de derrière lui ne le transmet pas, sauf si tout ce qu'il enverrait d'autre échouait "
     "aussi ; s'il n'a rien reçu d'autre, il répond 500 (RFC 3261 16.7). Un 503 parle donc du serveur voisin, jamais "
     "d'un autre loin derrière. Dans un dialogue il ne met fin qu'à la requête (RFC 5057 5.1).\n"
     "C'est aussi la réponse honnête d'une garde : là où l'on ne sait pas qui existe, ni 404 ni 410 n'est vrai.\n"
     "Les passerelles le transmettent comme cause 41, défaillance temporaire, et le tirent des causes 34, 38, 41, "
     "42, 47, 58 et 88 ; aux cinq premières elles peuvent joindre Retry-After (RFC 3398 7.2.4.1)."},
    {504, "Délai du serveur dépassé", "Un autre serveur dont on avait besoin n'a pas répondu à temps.",
     "Une question à un autre système (portabilité, localisation) a trop duré.", "Réessayer plus tard.",
     "Pour un serveur interrogé en chemin. Si rien n'est venu dans le délai Expires de la requête elle-même, c'est "
     "408 (RFC 3261 21.5.5).",
     NULL},
    {505, "Version non gérée", "Cette version de SIP n'est pas parlée ici.",
     "Une première ligne avec autre chose que SIP/2.0.", "Parler SIP/2.0.",
     "Répondre en SIP/2.0, quoi qu'on ait demandé.", NULL},
    {513, "Message trop grand", "Le message entier est plus long que le serveur ne l'accepte.",
     "Des champs ou un corps au-delà de ce que le serveur lit.", "Envoyer moins.",
     "Pour le message entier ; 413 vaut pour le corps seul.", NULL},
    {555, "Service de notification push non géré", "Le service push que le client a nommé n'est pas connu ici.",
     "Un REGISTER avec un pn-provider par lequel ce serveur ne sait pas réveiller les téléphones (RFC 8599).",
     "S'enregistrer sans push, ou par un autre fournisseur ; répéter tel quel n'aide jamais.",
     "Seulement pour le service que pn-provider nomme (RFC 8599 8.1).", NULL},
    {580, "Précondition non remplie",
     "Une condition de la session (un débit réservé, par exemple) ne peut être remplie.",
     "Une offre avec préconditions, dans INVITE ou UPDATE (RFC 3312).", "Offrir sans elles, ou renoncer.",
     "Dire quelle condition a manqué par du SDP dans le corps, aux ports nuls ; ce n'est ni une offre ni une réponse "
     "(RFC 3312 8).",
     NULL},
    {600, "Occupé partout", "L'appelé est occupé, et aucun autre de ses terminaux ne prendra l'appel.",
     "Un terminal ou un service qui parle pour tous les lieux d'une personne. Rare : un terminal le sait rarement "
     "(RFC 3261 13.3.1.3).",
     "Réessayer plus tard, après Retry-After s'il est donné.",
     "Seulement si rien d'autre ne répondra, pas même une messagerie : un proxy met fin à toute la recherche. Sinon "
     "486 ; et 603 pour taire la raison.",
     NULL},
    {603, "Refus", "L'appelé ne veut ou ne peut prendre cet appel, et aucun autre de ses terminaux ne le prendra.",
     "Quelqu'un presse « refuser » ; dans certains réseaux, aussi un appel que le réseau lui-même bloque (« 603+ »).",
     "Ne pas rappeler aussitôt ; Retry-After dit quand l'appel serait bienvenu.",
     "Il met fin à la recherche en tous lieux. Pour ce lieu seul : 480 ou 486.", NULL},
    {604, "N'existe nulle part", "Le serveur sait avec certitude que l'usager n'existe nulle part.",
     "Un serveur qui fait autorité pour ce nom, où qu'il soit enregistré.",
     "Vérifier l'adresse ; ne pas chercher plus loin.",
     "Rarement juste : il faut faire autorité au-delà de son domaine. Pour ici : 404. Ne jamais s'en servir pour "
     "écarter un appelant : d'autres peuvent tenir l'usager pour inexistant, et plus personne ne le joint (RFC 8688 "
     "1).",
     NULL},
    {606, "Non acceptable", "L'appelé parlerait bien, mais nulle part de la façon offerte.",
     "Aucun média qu'un des lieux de la personne sache prendre.", "Offrir autre chose, selon Warning.",
     "Seulement si l'on parle pour tous les lieux ; sinon 488.", NULL},
    {607, "Indésirable",
     "L'appelé ne veut pas de cet appel, et refusera sans doute ce qui viendra encore de cet appelant.",
     "Un bouton « indésirable » sur le téléphone (RFC 8197).",
     "Cesser d'appeler cette personne ; qui croit à une méprise la joint par une autre voie.",
     "Sur la parole de l'appelé, ou de son téléphone ; les réseaux peuvent le compter à l'appelant. Ce que pense une "
     "machine en chemin est 608.",
     NULL},
    {608, "Rejeté", "Une machine en chemin a tenu l'appel pour indésirable et l'a refusé.",
     "Une analyse dans le réseau (RFC 8688).", "Si l'appel était honnête, réclamer à l'adresse de Call-Info.",
     "Donner dans Call-Info une carte signée (purpose=jwscard) disant où l'appelant peut réclamer ; ne l'omettre que "
     "s'il en serait fait abus (RFC 8688 3.1).",
     NULL},
    {0, NULL, NULL, NULL, NULL, NULL, NULL},
};
