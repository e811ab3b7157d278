/* SPDX-License-Identifier: Apache-2.0 */
/* 1xx to 3xx in French. */
#include "reference/reference_priv.h"

const struct reference_text reference_fr_success[] = {
    {100, "Tentative en cours", "Le prochain saut a reçu la requête et la traite ; on n'en sait pas davantage.",
     "Aussitôt après un INVITE dont la réponse prendra plus de 200 ms. Il se dit de saut en saut et n'est jamais "
     "transmis.",
     "Cesser de répéter l'INVITE et attendre ; n'en rien conclure sur l'appelé.",
     "INVITE : l'envoyer, sauf si une réponse suit dans les 200 ms. Autres méthodes : sur UDP, pas avant que le "
     "temporisateur E de l'appelant n'ait atteint T2 (3,5 s par défaut) ; sur tout transport, l'envoyer alors si "
     "rien d'autre n'a été répondu (RFC 4320 4.1).",
     NULL},
    {180, "Sonnerie", "L'appelé est en train d'être averti.",
     "Un téléphone sonne. Avec une étiquette dans To, il crée un dialogue précoce ; il peut être envoyé de façon "
     "fiable si l'appelant gère 100rel (RFC 3262 3).",
     "Faire entendre le retour d'appel, sauf si du son arrive déjà.",
     "Seulement quand quelqu'un est vraiment averti ; une annonce relève de 183.", NULL},
    {181, "Appel renvoyé", "L'appel est en route vers une autre destination.",
     "Un serveur renvoie l'appel et le dit à l'appelant.", "L'afficher si l'on veut ; continuer d'attendre.",
     "Facultatif, et jamais qu'une étape avant une autre réponse.", NULL},
    {182, "Mis en file d'attente", "L'appelé n'est pas disponible, mais l'appel attend son tour au lieu d'être refusé.",
     "Un centre d'appels. Il peut se répéter quand la file avance ; son libellé peut dire combien attendent.",
     "Continuer d'attendre ; l'appelant peut renoncer à tout moment par CANCEL.",
     "L'envoyer, ou un autre 1xx, chaque minute, ou toutes les deux minutes et demie s'il est fiable : un proxy peut "
     "annuler un INVITE resté trois minutes sans nouvelles (RFC 3261 13.3.1.1, RFC 3262 3).",
     NULL},
    {183, "Progression de l'appel", "Il se passe quelque chose qu'aucune autre réponse provisoire ne dit.",
     "Le plus souvent avec du SDP, pour faire entendre des tonalités ou une annonce avant la réponse. Un 1xx inconnu "
     "est traité comme 183 (RFC 3261 8.1.3.2).",
     "Faire entendre le son qui arrive ; ne pas tenir l'appel pour établi.",
     "Dire par le libellé, les champs et le corps ce qui se passe ; le code lui-même en dit peu. Dans les réseaux "
     "téléphoniques, la taxation commence à la réponse et non ici (RFC 3398 7.2.6).",
     NULL},
    {199, "Dialogue précoce terminé",
     "Un dialogue précoce d'un appel ramifié est fini ; d'autres peuvent vivre encore.",
     "Un proxy qui ramifie le dit, quand une branche a échoué, à un appelant qui a écrit Supported: 199 ; l'appelé "
     "lui-même s'en abstient d'ordinaire (RFC 6228 5).",
     "Libérer ce que tient ce dialogue et n'y plus envoyer de média ; aucun BYE n'est nécessaire, et l'appel "
     "lui-même continue.",
     "Jamais sans Supported: 199 de l'appelant. L'étiquette de To dit quel dialogue est fini, et Reason pourquoi ; "
     "la réponse finale vient quand même.",
     NULL},
    {200, "OK", "La requête a réussi.",
     "Le sens dépend de la méthode : l'appel est pris, l'enregistrement est gardé, le message est reçu.",
     "INVITE : envoyer un ACK pour chaque 200, copies comprises ; le 200 d'une branche non voulue est acquitté puis "
     "terminé par BYE.",
     "INVITE : répondre avec SDP et Contact, et répéter les mêmes octets sur tout transport jusqu'à l'ACK ; sans ACK "
     "au bout de 64*T1 (32 s), envoyer BYE.",
     "Le 200 d'un INVITE est la seule réponse finale que le cœur de l'appelant acquitte lui-même, de bout en bout, "
     "par un ACK hors de la transaction de l'INVITE (RFC 3261 13.2.2.4) ; de 300 à 699, c'est la transaction qui "
     "acquitte, saut par saut (RFC 3261 17.1.1.3). C'est donc le cœur du répondant qui répète le 200, même sur TCP, "
     "à des intervalles qui croissent de T1 à T2 (RFC 3261 13.3.1.4), et la transaction serveur ne fait qu'absorber "
     "les copies de l'INVITE (RFC 6026).\n"
     "Dans une recherche ramifiée, un proxy transmet aussitôt chaque 200, même celui qui en suit un autre : chacun "
     "ouvre son propre dialogue, et l'appelant acquitte puis termine par BYE ceux dont il ne veut pas. Au premier, "
     "le proxy annule les branches encore ouvertes (RFC 3261 16.7).\n"
     "Il ouvre un dialogue et peut ainsi faire courir la taxation : une passerelle en fait le message par lequel les "
     "réseaux téléphoniques commencent à taxer (RFC 3398 8.2.4, 7.2.6). Un moteur qui décide qui existe ne dit donc "
     "200 que là où quelqu'un peut parler, ou là où une annonce doit être entendue.\n"
     "À OPTIONS il dit : un INVITE réussirait maintenant (RFC 3261 11.2). À REGISTER : voici tous les "
     "enregistrements (RFC 3261 10.3)."},
    {202, "Acceptée", "La requête est prise en charge ; la suite sera dite plus tard.",
     "D'anciens serveurs, pour SUBSCRIBE ou REFER, et pour MESSAGE quand le serveur garde le message pour plus tard.",
     "Le traiter en tout comme 200.",
     "Jamais pour SUBSCRIBE, NOTIFY ni REFER : leur répondre 200 (RFC 6665 8.3.1, RFC 7647 5). Pour MESSAGE il dit "
     "que le texte est en route, non qu'il est remis (RFC 3428).",
     NULL},
    {204, "Pas de notification", "L'abonnement tient, et aucun NOTIFY ne suivra : rien n'a changé.",
     "À un SUBSCRIBE dont Suppress-If-Match nomme l'état encore en vigueur.",
     "Garder l'état connu ; ne pas attendre de NOTIFY.",
     "Seulement dans un abonnement déjà établi, et si l'étiquette donnée est l'actuelle ; sinon répondre 200 et "
     "notifier.",
     NULL},
    {300, "Choix multiples", "L'appelé peut être joint à plusieurs endroits : il faut choisir.",
     "Un serveur de redirection connaît plusieurs adresses et ne veut pas choisir.",
     "Essayer les adresses de Contact, selon leur valeur q ou le choix de l'usager.",
     "Mettre chaque choix dans Contact ; dire dans le corps ce que les adresses ne disent pas.", NULL},
    {301, "Déplacé définitivement", "L'appelé a désormais une autre adresse, définitivement ; elle est dans Contact.",
     "Un numéro a changé et son titulaire veut être trouvé, une entreprise a pris un autre domaine.",
     "Appeler l'adresse de Contact et remplacer ce qui est noté : carnet d'adresses, favoris, table d'acheminement.",
     "Donner la nouvelle adresse dans Contact, ou toutes s'il y en a plusieurs. Ne pas l'envoyer pour ce qui "
     "reviendra.",
     "301 est la réponse de qui a laissé une adresse, 410 celle de qui n'en a pas laissé. Ni l'une ni l'autre n'a de "
     "terme : la RFC 3261 21.3.2 veut que l'appelant remplace l'ancienne adresse partout où il la garde et s'adresse "
     "désormais à la nouvelle ; il peut ne plus jamais demander ici.\n"
     "Un proxy responsable de l'adresse peut suivre la redirection lui-même, si bien que l'appelant ne la voit "
     "jamais et n'apprend rien (RFC 3261 16.5) ; celle qu'il ne suit pas passe avant tout 4xx ou 5xx d'une autre "
     "branche (RFC 3261 16.7). Une recherche n'essaie chaque adresse qu'une fois, si bien que deux redirections "
     "l'une vers l'autre prennent fin (RFC 3261 8.1.3.4).\n"
     "Une passerelle venant du réseau téléphonique appelle elle-même la nouvelle adresse, ou libère l'appel avec la "
     "cause 23 et le nouveau numéro pour diagnostic (RFC 3398 8.2.5). Dans l'autre sens, la cause 22, numéro changé, "
     "devient 301 si son diagnostic donne le nouveau numéro, et 410 sinon (RFC 3398 7.2.4.1). Regarder avant de "
     "suivre une redirection venue du dehors : elle change qui paie l'appel."},
    {302, "Déplacé temporairement", "Pour l'instant, l'appelé est joint à une autre adresse ; elle est dans Contact.",
     "Renvoi d'appel, quelqu'un à un autre poste, un serveur de redirection qui répartit la charge.",
     "Appeler l'adresse de Contact, une fois. La prochaine fois redemander ici, sauf si Expires permet de la garder.",
     "Donner Contact, et Expires ou un paramètre expires seulement si l'appelant peut s'en souvenir aussi longtemps.",
     "Sans Expires, la redirection vaut pour ce seul appel et ne doit pas être gardée ; avec lui, ou avec un "
     "paramètre expires dans Contact, appelants et proxys peuvent garder l'adresse aussi longtemps, et redemander "
     "ici une fois si elle échoue (RFC 3261 21.3.3). C'est toute la différence avec 301, qui est à garder pour "
     "toujours.\n"
     "L'utiliser partout où l'ancienne adresse comptera de nouveau : vacances, soirée, entretien avec un remplaçant. "
     "Dans le doute entre 301 et 302, prendre 302 : un 302 à tort coûte une question de plus par appel, un 301 à "
     "tort ne se reprend pas.\n"
     "Dans une recherche ramifiée il en va comme de 301 : un proxy responsable de l'adresse peut suivre la "
     "redirection, et celle qu'il ne suit pas passe avant tout 4xx ou 5xx (RFC 3261 16.7). Une passerelle appelle "
     "elle-même l'adresse, ou libère l'appel avec la cause 23 et le numéro pour diagnostic (RFC 3398 8.2.5) ; aucune "
     "cause ne devient 302."},
    {305, "Utiliser un proxy", "L'appelé n'est joint que par le proxy donné dans Contact.",
     "Rare. Seul un terminal peut répondre ainsi, jamais un proxy.", "Répéter cette seule requête par le proxy nommé.",
     "Donner l'URI du proxy dans Contact ; elle vaut pour cette seule requête.", NULL},
    {380, "Autre service", "Cela n'a pas abouti, mais un autre service le peut.",
     "Les réseaux mobiles rendent ainsi au téléphone un appel d'urgence, à passer autrement (3GPP TS 24.229).",
     "Lire le corps : il décrit l'autre moyen ; l'employer si on le comprend.",
     "Décrire les autres moyens dans le corps ; la RFC 3261 n'en fixe pas la forme.", NULL},
    {0, NULL, NULL, NULL, NULL, NULL, NULL},
};
