/* SPDX-License-Identifier: Apache-2.0 */
/* 469 to 494 in French. */
#include "reference/reference_priv.h"

const struct reference_text reference_fr_target[] = {
    {469, "Paquet INFO inconnu", "Ce genre d'INFO n'a pas été offert dans cet appel.",
     "Un INFO dont l'Info-Package n'est pas dans le Recv-Info du destinataire.",
     "N'envoyer que des paquets nommés dans Recv-Info ; l'appel continue.",
     "Nommer dans Recv-Info ce qu'on prend. Un INFO sans paquet n'est pas refusé ainsi (RFC 6086 4.2.2).", NULL},
    {470, "Consentement exigé", "Un des destinataires n'a pas accepté de recevoir ceci.",
     "Un relais qui envoie une requête à chaque adresse d'une liste qu'elle contient (RFC 5360).",
     "Ajouter les adresses de Permission-Missing à la liste que tient le relais ; c'est lui qui demande alors leur "
     "accord.",
     "N'envoyer la requête à personne, et nommer dans Permission-Missing ceux dont la permission manque.", NULL},
    {480, "Temporairement indisponible", "L'appelé est connu ici, mais ne peut être joint maintenant.",
     "Non enregistré, éteint, sans réponse, ne pas déranger, fermé ce soir, suspendu.",
     "Réessayer plus tard, selon Retry-After ; laisser un message ailleurs. Ne jamais effacer l'adresse.",
     "Dire dans le libellé de quoi il s'agit, et dans Retry-After quand cela finira. Ne pas en dire plus que "
     "l'abonné ne le veut.",
     "480 dit deux choses : l'adresse est bonne, et l'empêchement est passager. Il convient donc à un compte "
     "suspendu, à un bureau la nuit, à une ligne qui sonne sans réponse, aux heures d'un portage ; non à ce qui n'a "
     "jamais existé (404) ni à ce qui est fini (410).\n"
     "Il vient de deux côtés : du terminal appelé, où personne n'est connecté ou ne veut être dérangé (RFC 3261 "
     "21.4.18), et d'un proxy qui connaît l'usager mais n'a nulle part où envoyer l'appel (RFC 3261 16.5). La "
     "personne est peut-être ailleurs, sans que ce serveur le sache.\n"
     "Ce n'est pas 486 : occupé dit que le terminal est là et ne prend plus d'appel, et les composeurs rappellent "
     "dans les minutes qui suivent. Ce n'est pas 503 : celui-ci parle du serveur entier, et qui l'entend n'y envoie "
     "plus rien. Dans une recherche ramifiée les autres branches continuent. Dans un dialogue il met fin au seul "
     "usage en cause, et Retry-After ne vaut que pour lui (RFC 5057 5.1).\n"
     "Les passerelles le transmettent comme cause 18, pas de réponse de l'équipement de l'usager, et le tirent des "
     "causes 19, 20 et 31 ; 18 elle-même arrive comme 408 (RFC 3398 7.2.4.1). Le taux d'efficacité de la RFC 6076 "
     "4.7 le compte, avec 486, 600 et 603, comme le fait de l'usager et non comme un échec."},
    {481, "Appel ou transaction inexistant", "La requête appartient à un appel ou une transaction inconnus ici.",
     "Un BYE après un redémarrage, un CANCEL sans objet, un NOTIFY sans abonnement.",
     "Le dialogue est fini. Celui qu'un INVITE a ouvert se clôt par un BYE (RFC 3261 12.2.1.2), sauf si c'est un BYE "
     "qui a reçu cette réponse.",
     "Pour les requêtes à étiquette dans To et pour CANCEL. Un ACK ne reçoit aucune réponse.", NULL},
    {482, "Boucle détectée", "La requête est revenue là où elle est déjà passée, ou est arrivée par deux chemins.",
     "Une boucle d'acheminement chez un proxy ; un terminal atteint par deux branches d'une ramification.",
     "Pour une requête fusionnée tout va bien : une autre branche a eu sa réponse. Sinon chercher la boucle.",
     "Répondre ainsi à la seconde copie d'une requête fusionnée et poursuivre avec la première (RFC 3261 8.2.2.2). Un "
     "proxy ne le fait jamais : il laisse les requêtes fusionnées au terminal.",
     NULL},
    {483, "Trop de sauts", "Max-Forwards est épuisé.",
     "Une boucle, presque toujours ; parfois une trace saut par saut.",
     "Ne pas répéter : chercher où la requête tourne en rond.",
     "Seulement au lieu de transmettre, si Max-Forwards était 0 à l'arrivée ; à OPTIONS on peut répondre soi-même (RFC "
     "3261 16.3).",
     NULL},
    {484, "Adresse incomplète", "Le numéro n'est pas encore complet : il manque des chiffres.",
     "La numérotation chiffre à chiffre, ou un numéro trop court.",
     "Envoyer un nouvel INVITE avec plus de chiffres, ou montrer que le numéro est incomplet.",
     "Dire dans le libellé ce qui manque. Seulement si d'autres chiffres peuvent mener quelque part ; sinon 404.",
     NULL},
    {485, "Ambigu", "Le nom convient à plusieurs personnes.", "Un annuaire où « martin » en désigne plus d'une.",
     "Laisser quelqu'un choisir parmi les adresses de Contact ; aucune machine ne le devrait.",
     "Ne les donner que si leur confidentialité le permet ; sinon taire la liste, ou répondre 404.", NULL},
    {486, "Occupé ici", "L'appelé a été atteint, et ne prend plus d'appel ici pour l'instant.",
     "En ligne, signal d'appel refusé, tous les canaux d'une ligne pris.",
     "Réessayer dans quelques minutes, après Retry-After s'il est donné ; proposer un rappel ou la messagerie.",
     "L'envoyer si un autre terminal peut encore répondre ; si l'on sait que nul autre ne le fera, 600.",
     "486 parle pour un seul terminal : dans une ramification les autres continuent de sonner. 600 met fin à toute "
     "la recherche ; il revient donc à qui connaît tous les lieux de la personne, messagerie comprise, ce qu'un "
     "terminal sait rarement (RFC 3261 13.3.1.3).\n"
     "Beaucoup de systèmes font entendre la tonalité d'occupation et rappellent bientôt, et le taux d'efficacité de "
     "la RFC 6076 4.7 le compte comme le fait de l'usager et non comme un échec : ne pas s'en servir pour un numéro "
     "inexistant, ni pour freiner longtemps des appelants honnêtes. Dans un dialogue il ne met fin qu'à la requête "
     "(RFC 5057 5.1).\n"
     "C'est la cause 17, usager occupé, dans les deux sens (RFC 3398 7.2.4.1, 8.2.6.1) ; 600 part aussi comme 17, "
     "localisée chez l'usager."},
    {487, "Requête terminée", "La requête a pris fin par un CANCEL ou un BYE avant d'avoir sa réponse.",
     "L'appelant a raccroché pendant la sonnerie, ou le délai Expires de l'INVITE lui-même est passé.",
     "L'acquitter ; c'est ce qui a été demandé.",
     "Répondre ainsi à l'INVITE ; le CANCEL ou le BYE lui-même reçoit 200. Un script ne devrait jamais l'envoyer.",
     NULL},
    {488, "Non acceptable ici", "La session offerte est impossible ici : codec, média, chiffrement, débit.",
     "Aucun codec en commun, SRTP voulu et non offert.", "Offrir autre chose, selon Warning ; sinon renoncer.",
     "Dire pourquoi dans Warning (304 type de média, 305 format, 370 débit). 606 parlerait pour tous les lieux.", NULL},
    {489, "Événement inconnu", "Ce genre d'événement n'est pas connu ici.",
     "Un SUBSCRIBE ou PUBLISH pour ce que le serveur n'offre pas.", "Choisir dans Allow-Events ; ne pas répéter.",
     "Dire dans Allow-Events ce qu'on offre ; en réponse à PUBLISH il est obligatoire (RFC 3903).", NULL},
    {491, "Requête en cours", "Les deux côtés ont voulu changer la session au même moment.",
     "Un re-INVITE ou UPDATE qui en croise un de l'autre côté.",
     "Attendre un temps aléatoire et réessayer : 2,1 à 4 s pour qui a créé le Call-ID, 0 à 2 s pour l'autre.",
     "Seulement dans un dialogue, tant que son propre INVITE est en route ou que sa propre offre attend sa réponse.",
     NULL},
    {493, "Indéchiffrable", "Le corps chiffré ne peut, ou ne doit, être ouvert ici.",
     "S/MIME pour un autre, ou avec une vieille clé.", "Chiffrer avec la clé publique de la réponse, s'il y en a une.",
     "Joindre sa propre clé publique aide l'appelant (RFC 3261 23.2).", NULL},
    {494, "Accord de sécurité exigé", "Le premier saut veut convenir d'un mécanisme de sécurité.",
     "Une requête sans protection qui a sec-agree dans Require, Proxy-Require ou Supported (RFC 3329).",
     "Mettre en place ce que Security-Server préfère (q le plus haut) parmi ce qu'on connaît, et répéter avec "
     "Security-Verify, qui reprend la liste.",
     "Security-Server est obligatoire : y dire ce qu'on offre, quoi que dise la liste du client.", NULL},
    {0, NULL, NULL, NULL, NULL, NULL, NULL},
};
