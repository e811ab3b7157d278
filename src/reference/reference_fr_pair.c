/* SPDX-License-Identifier: Apache-2.0 */
/* What parts codes that are easily mistaken for each other, in French. */
#include "reference/reference_priv.h"

const struct reference_pair reference_fr_pairs[] = {
    {200, 410,
     "Ici, ou plus jamais : les deux bouts d'une vie. 200 tant que quelqu'un peut être joint ou qu'une annonce doit "
     "être entendue ; 410 quand la fin est certaine et qu'il ne reste qu'à le dire. L'annonce d'un numéro hors "
     "service va dans l'Error-Info du 410, ou dans un 183 avant lui ; dans un 200 elle ouvre un appel qui peut être "
     "taxé."},
    {200, 404, "200 si quelqu'un est là maintenant. 404 si personne de ce nom n'est connu. Connu mais absent : 480."},
    {301, 302,
     "Pour toujours, ou pour l'instant. 301 dit de remplacer ce qui est noté ; 302 vaut pour ce seul appel, ou le "
     "temps d'Expires. Dans le doute, 302."},
    {301, 404, "301 tant que la nouvelle adresse est connue et peut être dite. Si l'ancienne est inconnue, 404."},
    {301, 410,
     "Les deux mettent fin à l'ancienne adresse. 301 s'il y a une nouvelle adresse à dire ; 410 s'il n'y en a pas, "
     "ou que son titulaire ne veut pas qu'on la dise."},
    {302, 410,
     "302 si l'adresse comptera de nouveau et que l'appel peut aller ailleurs en attendant ; 410 si elle ne comptera "
     "plus et qu'il n'y a nulle part où l'envoyer."},
    {302, 480,
     "302 si l'appel peut être pris ailleurs pour l'instant, et que l'appelant peut savoir où ; 480 s'il ne peut "
     "l'être nulle part pour l'instant."},
    {401, 407,
     "401 vient de l'appelé ou d'un serveur d'enregistrement, 407 d'un proxy en chemin. Tous deux demandent des "
     "identifiants."},
    {403, 404,
     "403 laisse entendre que l'adresse peut exister et refuse ; 404 dit qu'il n'y en a pas. Si un inconnu ne doit "
     "pas apprendre quels numéros existent, répondre de même à tous."},
    {403, 603,
     "403 est le refus du réseau ou du service, et les autres branches continuent. 603 est celui de l'appelé, et met "
     "fin à toute la recherche."},
    {404, 410,
     "404 si cela n'a jamais existé ici, ou si nul ne peut dire que la fin est permanente ; l'appelant peut "
     "redemander. 410 seulement avec la preuve que cela a existé et a fini pour toujours ; redemander est vain. Dans "
     "le doute, 404 : un 404 à tort coûte un autre appel, un 410 à tort coûte l'appelant pour toujours."},
    {404, 480,
     "404 si l'adresse est inconnue. 480 si elle est connue et ne peut être jointe maintenant. Un compte suspendu "
     "est 480 : il existe."},
    {404, 503,
     "404 est un savoir : il n'y a personne. 503 en est l'absence : le serveur ne peut le dire maintenant. Un "
     "annuaire illisible ne fait jamais un 404."},
    {404, 604,
     "404 parle pour ce domaine, et les autres branches continuent. 604 parle pour tous les lieux et met fin à la "
     "recherche."},
    {405, 501,
     "405 si la méthode est connue mais pas pour cette adresse ; 501 si le serveur ne la connaît pour personne."},
    {408, 480,
     "408 si rien n'est venu à temps, et que l'on ne sait donc rien ; 480 si l'adresse est connue et que personne ne "
     "peut prendre l'appel maintenant. Venu du réseau téléphonique, 408 est la cause 18, pas de réponse de "
     "l'équipement, et 480 la cause 19, l'usager alerté ne répond pas."},
    {408, 504,
     "408 si aucune réponse n'a pu être obtenue à temps, ou que rien n'est venu dans le délai Expires de la requête "
     "; 504 si c'est un autre serveur, interrogé pour elle, qui n'a pas répondu."},
    {410, 480,
     "Fini, ou absent. 410 si cela ne reviendra pas ; 480 si cela reviendra, ou le pourrait : suspendu pour impayé, "
     "fermé ce soir, aux heures d'un portage. Dans le doute, 480 ou 404."},
    {410, 486, "410 met fin à une adresse ; 486 dit qu'elle marche et ne prend plus d'appel pour l'instant."},
    {410, 503,
     "410 parle d'une adresse, pour toujours ; 503 du serveur entier, pour l'instant. Tout ce qui va mal dans un "
     "serveur est 503 ou 500, jamais 410 : on ne peut plus dire ensuite à un appelant que c'était une erreur."},
    {410, 604,
     "410 dit que cela a existé et a fini, ici ; 604 que cela n'existe nulle part, et met fin à toute la recherche."},
    {480, 486,
     "480 si personne ne peut être joint : éteint, non enregistré, sans réponse, fermé. 486 si le terminal a été "
     "atteint et ne prend plus d'appel. Les composeurs répètent un 486 dans les minutes qui suivent : ne pas s'en "
     "servir pour une absence de plusieurs jours."},
    {480, 503,
     "480 porte sur une adresse, 503 sur le serveur entier : qui entend 503 avec Retry-After n'y envoie plus rien, "
     "pour aucun numéro. Une règle sur un numéro ne répond jamais 503."},
    {486, 503,
     "486 si une personne est occupée ; 503 si le serveur l'est. Un serveur surchargé dit 503, pour que l'on aille à "
     "un autre."},
    {486, 600, "486 pour un lieu, et les autres continuent de sonner ; 600 pour tous, et la recherche prend fin."},
    {488, 606, "488 pour ce lieu, et les autres peuvent convenir ; 606 pour tous, et la recherche prend fin."},
    {500, 503,
     "500 pour l'échec de cette seule requête ; 503 pour le serveur entier, qui n'en reçoit plus avant la fin de "
     "Retry-After."},
    {603, 607,
     "603 refuse cet appel, peut-être pour l'instant seulement, et peut dire quand un autre serait bienvenu ; 607 "
     "récuse l'appelant, à quelque moment qu'il appelle (RFC 8197 3)."},
    {607, 608, "607 vient de l'appelé ; 608 a été décidé par une machine en chemin, et dit où réclamer."},
    {0, 0, NULL},
};
