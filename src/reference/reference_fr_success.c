/* SPDX-License-Identifier: Apache-2.0 */
/* 1xx to 3xx in French. */
#include "reference/reference_priv.h"

const struct reference_text reference_fr_success[] = {
    {100, "Tentative en cours", "Le prochain saut a reçu la requête et la traite ; on n'en sait pas davantage.",
     "Aussitôt après un INVITE dont la réponse prendra plus de 200 ms. Il se dit de saut en saut et n'est jamais "
     "transmis.",
     "Cesser de répéter l'INVITE et attendre ; n'en rien conclure sur l'appelé.",
     "Seulement pour un INVITE. Pour une autre méthode, pas avant que le temporisateur de l'appelant n'ait ralenti "
     "(RFC 4320).",
     NULL},
    {180, "Sonnerie", "L'appelé est en train d'être averti.",
     "Un téléphone sonne. Avec une étiquette dans To, il crée un dialogue précoce ; il peut être envoyé de façon "
     "fiable "
     "(RFC 3262).",
     "Faire entendre le retour d'appel, sauf si du son arrive déjà.",
     "Seulement quand quelqu'un est vraiment averti ; une annonce relève de 183.", NULL},
    {181, "Appel renvoyé", "L'appel est en route vers une autre destination.",
     "Un serveur renvoie l'appel et le dit à l'appelant.", "L'afficher si l'on veut ; continuer d'attendre.",
     "Facultatif, et jamais qu'une étape avant une autre réponse.", NULL},
    {182, "Mis en file d'attente", "L'appelé est occupé, mais l'appel attend son tour au lieu d'être refusé.",
     "Un centre d'appels. Il peut se répéter quand la file avance ; son libellé peut dire combien attendent.",
     "Continuer d'attendre ; l'appelant peut renoncer à tout moment par CANCEL.",
     "Le répéter de temps en temps : un proxy met fin à un INVITE sans nouvelle depuis trois minutes (Timer C).", NULL},
    {183, "Progression de l'appel", "Il se passe quelque chose qu'aucune autre réponse provisoire ne dit.",
     "Le plus souvent avec du SDP, pour faire entendre des tonalités ou une annonce avant la réponse.",
     "Faire entendre le son qui arrive ; ne pas tenir l'appel pour établi.",
     "Dire par le son et les champs ce qui se passe. La taxation ne doit pas commencer.", NULL},
    {199, "Dialogue précoce terminé",
     "Un dialogue précoce d'un appel ramifié est fini ; d'autres peuvent vivre encore.",
     "Un proxy qui ramifie, ou l'appelé, le dit à un appelant qui a écrit Supported: 199.",
     "Libérer ce que tient ce dialogue ; l'appel lui-même continue.",
     "Jamais sans Supported: 199, et jamais à la place de la réponse finale.", NULL},
    {200, "OK", "La requête a réussi.",
     "Le sens dépend de la méthode : l'appel est pris, l'enregistrement est gardé, le message est reçu.",
     "INVITE : envoyer un ACK pour chaque 200, copies comprises ; le 200 d'une branche non voulue est acquitté puis "
     "terminé par BYE.",
     "INVITE : répondre avec SDP et Contact, et répéter les mêmes octets sur tout transport jusqu'à l'ACK ; sans ACK "
     "au "
     "bout de 64*T1 (32 s), envoyer BYE.",
     "Le 200 d'un INVITE est la seule réponse finale que le cœur de l'appelant acquitte lui-même, de bout en bout, par "
     "un "
     "ACK qui est une transaction à part (RFC 3261 13.2.2.4, 17.1.1.3). C'est donc le cœur du répondant qui le répète, "
     "même sur TCP, et la transaction serveur ne fait qu'absorber les copies de l'INVITE (RFC 6026).\n"
     "Il ouvre un dialogue et peut ainsi faire courir la taxation : un moteur qui décide qui existe ne dit 200 que là "
     "où "
     "quelqu'un peut parler, ou là où une annonce doit être entendue.\n"
     "À OPTIONS il dit : un INVITE réussirait maintenant. À REGISTER : voici tous les enregistrements."},
    {202, "Acceptée", "La requête est prise en charge ; la suite sera dite plus tard.",
     "D'anciens serveurs, pour SUBSCRIBE ou REFER, et pour MESSAGE quand le serveur garde le message pour plus tard.",
     "Le traiter en tout comme 200.",
     "La RFC 6665 le déconseille : répondre 200 à SUBSCRIBE et REFER. Pour MESSAGE il dit encore que le texte est "
     "gardé, "
     "non remis.",
     NULL},
    {204, "Pas de notification", "L'abonnement tient, et aucun NOTIFY ne suivra : rien n'a changé.",
     "À un SUBSCRIBE dont Suppress-If-Match nomme l'état encore en vigueur.",
     "Garder l'état connu ; ne pas attendre de NOTIFY.",
     "Seulement si l'étiquette donnée est l'actuelle ; sinon répondre 200 et notifier.", NULL},
    {300, "Choix multiples", "L'appelé peut être joint à plusieurs endroits : il faut choisir.",
     "Un serveur de redirection connaît plusieurs adresses et ne veut pas choisir.",
     "Essayer les adresses de Contact, selon leur valeur q ou le choix de l'usager.",
     "Mettre chaque choix dans Contact ; dire dans le corps ce que les adresses ne disent pas.", NULL},
    {301, "Déplacé définitivement", "L'appelé a désormais une autre adresse, définitivement ; elle est dans Contact.",
     "Un numéro a changé et son titulaire veut être trouvé, une entreprise a pris un autre domaine.",
     "Appeler l'adresse de Contact et remplacer ce qui est noté : carnet d'adresses, favoris, table d'acheminement.",
     "Donner dans Contact la nouvelle adresse et elle seule. Ne pas l'envoyer pour ce qui reviendra.",
     "301 est la réponse de qui a laissé une adresse, 410 celle de qui n'en a pas laissé. Les deux sont des promesses "
     "sans "
     "terme : l'appelant peut ne plus jamais demander ici.\n"
     "Un proxy peut suivre la redirection lui-même, si bien que l'appelant ne la voit jamais ; s'il la voit, il "
     "devrait "
     "finir avec la nouvelle adresse en mémoire (RFC 3261 21.3.2).\n"
     "Une passerelle en fait la cause 22 avec le nouveau numéro pour diagnostic, et inversement (RFC 3398 7.2.4.1). "
     "Une "
     "redirection venue de qui n'est pas de confiance est à montrer à l'usager avant d'être suivie : elle peut mener à "
     "un "
     "numéro surtaxé."},
    {302, "Déplacé temporairement", "Pour l'instant, l'appelé est joint à une autre adresse ; elle est dans Contact.",
     "Renvoi d'appel, quelqu'un à un autre poste, un serveur de redirection qui répartit la charge.",
     "Appeler l'adresse de Contact, une fois. La prochaine fois redemander ici, sauf si Expires permet de la garder.",
     "Donner Contact, et Expires ou un paramètre expires seulement si l'appelant peut s'en souvenir aussi longtemps.",
     "Sans Expires, la redirection vaut pour ce seul appel (RFC 3261 21.3.3). C'est toute la différence avec 301 : il "
     "n'y "
     "a rien à retenir.\n"
     "L'utiliser partout où l'ancienne adresse comptera de nouveau : vacances, soirée, entretien avec un remplaçant. "
     "Dans "
     "le doute entre 301 et 302, prendre 302 : un 302 à tort coûte une question de plus par appel, un 301 à tort ne se "
     "reprend pas."},
    {305, "Utiliser un proxy", "L'appelé n'est joint que par le proxy donné dans Contact.",
     "Rare. Seul un terminal peut répondre ainsi, jamais un proxy.", "Répéter cette seule requête par le proxy nommé.",
     "Donner l'URI du proxy dans Contact. Une route fixée à l'enregistrement est en général préférable.", NULL},
    {380, "Autre service", "Cela n'a pas abouti, mais un autre service le peut.",
     "Les réseaux mobiles s'en servent pour rendre au téléphone un appel d'urgence à passer autrement.",
     "Lire le corps : il décrit l'autre moyen ; l'employer si on le comprend.",
     "Décrire les autres moyens dans le corps ; la RFC 3261 n'en fixe pas la forme.", NULL},
    {0, NULL, NULL, NULL, NULL, NULL, NULL},
};
