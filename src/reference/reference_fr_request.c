/* SPDX-License-Identifier: Apache-2.0 */
/* 400 to 440 in French. */
#include "reference/reference_priv.h"

const struct reference_text reference_fr_request[] = {
    {400, "Requête incorrecte", "La requête est mal formée : elle n'a pas pu être comprise.",
     "Un champ absent ou abîmé, un Content-Length faux, une faute de syntaxe. Le client qui ne connaît pas un 4xx le "
     "traite comme 400 (RFC 3261 8.1.3.2).",
     "Ne pas la répéter telle quelle ; il faut corriger ce qui a été envoyé.",
     "Dire dans le libellé ce qui ne va pas : « Missing Call-ID header field ».", NULL},
    {401, "Non autorisé", "L'appelé demande des identifiants.",
     "Un serveur d'enregistrement, un serveur de redirection ou un terminal demande qui est là, par WWW-Authenticate.",
     "Répéter avec Authorization et un CSeq plus grand de un. Si des identifiants étaient déjà donnés et que la "
     "réponse ne dit pas stale=true, ils ont été refusés : ne pas renvoyer les mêmes.",
     "WWW-Authenticate est obligatoire ; marquer stale=true un nonce seulement trop vieux. Ne jamais défier un ACK ni "
     "un CANCEL (RFC 3261 22.1).",
     NULL},
    {402, "Paiement exigé", "Réservé : la RFC 3261 ne lui donne pas encore de sens.",
     "Seulement par accord privé, faute d'argent.",
     "Le traiter comme 400, comme tout 4xx inconnu, sauf si l'on sait ce que le serveur veut dire par là.",
     "Préférer 403 avec un libellé ; nul n'est tenu de connaître 402.", NULL},
    {403, "Interdit", "La requête est comprise et refusée ; des identifiants n'y changeront rien.",
     "Un appelant sans droit, une destination bloquée pour ce compte, une source non admise.",
     "Ne pas la répéter. S'adresser à qui tient le service.",
     "Dire dans le libellé quelle règle joue, autant qu'on le peut. Les autres branches continuent.", NULL},
    {404, "Introuvable", "Le serveur sait avec certitude que personne ne porte ce nom dans son domaine.",
     "Un numéro jamais attribué, un nom mal écrit, un domaine dont ce serveur ne répond pas.",
     "Vérifier l'adresse avant de redemander. Rien n'est dit de son avenir.",
     "L'envoyer pour ce qui n'a jamais existé, et chaque fois qu'on ne sait pas si c'est fini pour toujours.",
     "404 parle d'ici et ne dit rien de la durée : le numéro sera peut-être attribué demain, et l'appelant peut "
     "redemander. C'est donc la réponse sûre quand la permanence est douteuse. Un 410 exige une preuve : une pierre "
     "tombale, une liste de tranches fermées.\n"
     "Il exige pourtant une autre certitude : la RFC 3261 21.4.5 veut que l'on sache de façon sûre que l'usager "
     "n'existe pas. Un annuaire illisible n'en sait rien, et sa réponse est 503 ou 500. Une ligne simplement "
     "éteinte, c'est 480.\n"
     "Il n'a pas de durée de vie : rien ne permet de le garder. Comme pour tout 4xx, l'appelant ne devrait pas "
     "répéter ici la même requête, mais un autre serveur en sait peut-être davantage (RFC 3261 21.4). Retry-After "
     "peut y figurer, comme dans 480 et 486 ; pour 410 il n'est pas prévu (RFC 3261 20.33).\n"
     "Dans une recherche ramifiée c'est la réponse d'une branche, et le 4xx d'une autre peut être transmis à sa "
     "place ; 604 serait la réponse de qui parle pour tous les lieux. Dans un dialogue il met fin au dialogue entier "
     "(RFC 5057 5.1).\n"
     "Les passerelles le transmettent comme cause 1, numéro non attribué, et le tirent des causes 1, 2, 3 et 26 (RFC "
     "3398 7.2.4.1). Le taux d'efficacité de la RFC 6076 4.7 le compte comme un échec, ainsi que 410, mais non 480, "
     "486, 600 et 603. Un curieux apprend par 404 contre 401 quels numéros existent : répondre de même aux inconnus "
     "pour tous les numéros."},
    {405, "Méthode non permise", "La méthode est connue, mais pas permise pour cette adresse.",
     "Un REGISTER vers un terminal, un MESSAGE vers une ligne qui n'en prend pas.",
     "Employer une des méthodes de Allow.",
     "Allow, avec les méthodes permises, est obligatoire. Une méthode tout à fait inconnue relève de 501.", NULL},
    {406, "Non acceptable", "Il ne pourrait être répondu que par un corps d'un genre que Accept n'admet pas.",
     "Rare. Un appelant dont Accept ne laisse aucune forme de réponse.", "Redemander avec un Accept plus large.",
     "Il s'agit de la forme de la réponse ; des médias qui ne conviennent pas relèvent de 488.", NULL},
    {407, "Authentification exigée par le proxy", "Un proxy sur le chemin demande des identifiants.",
     "Le proxy sortant de l'appelant veut reconnaître ses clients.",
     "Répéter avec Proxy-Authorization et un CSeq plus grand de un.",
     "Seul un proxy l'envoie, et Proxy-Authenticate est obligatoire ; un terminal, un serveur d'enregistrement et un "
     "serveur de redirection envoient 401.",
     NULL},
    {408, "Délai dépassé", "Aucune réponse n'a pu être trouvée à temps.",
     "Un proxy n'a rien entendu du saut suivant, ou une recherche a trop duré. L'appelant dont le propre délai expire "
     "fait comme s'il en avait reçu un.",
     "La requête peut être répétée plus tard, sans changement.",
     "Seulement pour un INVITE : pour une autre méthode il viendrait toujours trop tard (RFC 4320).", NULL},
    {410, "Disparu", "Cela a existé ici, n'y est plus, n'a pas laissé d'adresse, et il est à croire que cela durera.",
     "Un numéro rendu ou porté ailleurs sans trace, un compte supprimé, un bureau fermé, un domaine rendu.",
     "Ne plus demander ici : l'effacer du carnet d'adresses, du composeur et de l'acheminement. La même personne se "
     "trouve peut-être à une autre adresse.",
     "L'envoyer seulement avec la preuve de la permanence ; sur UDP il est répété jusqu'à l'ACK, comme tout refus "
     "d'un INVITE. Dire la cause dans Reason et donner une annonce dans Error-Info.",
     "La réponse a quatre parts, et toutes doivent être vraies : cela a existé ; cela n'existe plus ; aucune "
     "nouvelle adresse n'est connue (sinon 301) ; l'état est tenu pour permanent. La RFC 3261 21.4.10 veut 404 si ce "
     "dernier point ne peut être établi.\n"
     "Elle ne se reprend guère : un client qui l'a crue ne revient jamais apprendre le contraire, et aucun champ ne "
     "dit jusqu'à quand elle vaut ; Retry-After n'y est pas prévu (RFC 3261 20.33). Elle ne doit donc venir ni d'une "
     "erreur, ni d'un délai, ni d'une surcharge, ni d'un entretien, ni d'un annuaire à moitié chargé : c'est là 500, "
     "503 ou 480. Un numéro qui sera réattribué n'est 410 que le temps de sa quarantaine.\n"
     "C'est un 4xx : dans une recherche ramifiée les autres branches continuent, et leurs 2xx, 3xx ou 6xx passent "
     "avant lui. Entre plusieurs 4xx le proxy choisit, et devrait préférer ceux qui disent comment redemander, tels "
     "401, 407 ou 484 (RFC 3261 16.7). Dans un dialogue il met fin au dialogue entier (RFC 5057 5.1).\n"
     "La RFC 3398 et la RFC 4497 le transmettent comme cause 22, numéro changé, sans nouveau numéro, et le tirent de "
     "22 sans numéro et de 23. Les passerelles peuvent être réglées autrement (RFC 4497 11.3). Un Reason: "
     "Q.850;cause=22 (ou 1) dans la réponse dit laquelle est voulue (RFC 6432 3) ; le traitement de la réponse n'en "
     "dépend pas (RFC 6432 4)."},
    {412, "Condition non remplie", "La condition posée par la requête n'est pas remplie.",
     "Un PUBLISH dont SIP-If-Match nomme un état que le serveur n'a pas, ou n'a plus.",
     "Oublier cette étiquette d'entité et publier de nouveau, sans SIP-If-Match.",
     "Ne jamais garder ce qu'apporte une telle requête.", NULL},
    {413, "Corps trop grand", "Le corps est plus grand que le serveur ne l'accepte.",
     "Une grande image ou une longue liste dans MESSAGE ou PUBLISH.",
     "Envoyer un corps plus petit, ou aucun, ou attendre ce que dit Retry-After s'il est là.",
     "La connexion peut être fermée. Donner Retry-After si ce n'est que pour l'instant.", NULL},
    {414, "Request-URI trop longue", "La Request-URI est plus longue que le serveur ne la lit.",
     "Une URI dont les champs ou paramètres ont grossi, ou une attaque.",
     "La raccourcir : c'est une faute de ce qui a fait l'URI.",
     "Placer la limite bien au-dessus du besoin des URI honnêtes.", NULL},
    {415, "Type de contenu non géré", "Le type, le codage ou la langue du corps n'est pas compris.",
     "Un INVITE dont le corps n'est pas du SDP, un MESSAGE que le téléphone ne sait pas montrer.",
     "Envoyer un autre corps, parmi ceux de Accept, Accept-Encoding ou Accept-Language.",
     "Celui de ces champs qui convient est obligatoire : y dire ce qu'on accepterait.", NULL},
    {416, "Schéma d'URI non géré", "Le schéma de la Request-URI n'est pas connu ici.",
     "Une URI tel: ou http: chez un serveur qui n'achemine que sip:.", "Tourner l'adresse en URI sip: et redemander.",
     "Seulement pour la Request-URI : un schéma inconnu dans To n'est pas une raison de refuser (RFC 3261 8.2.2.1).",
     NULL},
    {417, "Resource-Priority inconnue", "Aucune priorité que nomme la requête n'est connue ici.",
     "Un Resource-Priority dont aucune valeur n'est connue ici, avec resource-priority dans Require (RFC 4412).",
     "Redemander avec une valeur de Accept-Resource-Priority s'il est donné, ou sans resource-priority dans Require.",
     "Seulement si Require nomme resource-priority ; sinon, servir la requête comme si elle n'avait pas de "
     "Resource-Priority. On peut dire dans Accept-Resource-Priority ce qu'on connaît. Qui ignore cette extension "
     "répond 420.",
     NULL},
    {420, "Extension non gérée", "Require ou Proxy-Require nomme une extension qui n'est pas comprise.",
     "Un client tient à une nouveauté.", "Redemander sans les étiquettes de Unsupported.",
     "Unsupported est obligatoire : les y mettre toutes. Ce qu'exige un CANCEL n'est pas lu, et un ACK n'a jamais de "
     "réponse.",
     NULL},
    {421, "Extension exigée", "Le serveur a besoin d'une extension que le client n'offre pas dans Supported.",
     "Un service impossible sans elle, par exemple un premier saut qui tient à un accord de sécurité (RFC 3329).",
     "Redemander avec l'extension dans Supported, si on l'a.",
     "Require est obligatoire : l'y nommer. Seulement si aucun service utile n'est possible autrement.", NULL},
    {422, "Intervalle de session trop court", "La durée de session demandée est plus courte que le serveur ne l'admet.",
     "Un INVITE ou UPDATE au Session-Expires court, chez un terminal ou chez un proxy du chemin.",
     "Redemander avec un Session-Expires au moins égal à Min-SE, et répéter ce Min-SE.",
     "Min-SE est obligatoire, et jamais sous 90 s. Seulement pour un appelant qui a timer dans Supported : nul autre "
     "n'en saurait que faire (RFC 4028 8.1).",
     NULL},
    {423, "Intervalle trop bref", "La durée demandée est plus courte que le serveur ne l'admet.",
     "Un REGISTER, SUBSCRIBE ou PUBLISH au Expires court, chez un serveur qui limite les rafraîchissements.",
     "Redemander avec une durée au moins égale à Min-Expires.",
     "Min-Expires est obligatoire. Ni un serveur d'enregistrement (RFC 3261 10.3) ni un notificateur ne refuse ainsi "
     "une heure ou plus.",
     NULL},
    {424, "Localisation incorrecte", "La localisation jointe à la requête est inutilisable.",
     "Une Geolocation mal formée, insuffisante pour l'usage voulu, ou qui ne peut être obtenue.",
     "Corriger la localisation selon Geolocation-Error, ou prendre celle qui vient dans la réponse.",
     "Geolocation-Error est obligatoire. Ne jamais l'envoyer pour une requête sans Geolocation, ni si une localisation "
     "sur plusieurs est bonne ; un appel en cours continue (RFC 6442 4.3, 4.4).",
     NULL},
    {425, "Message d'alerte incorrect", "L'alerte est si mal formée que nul ne saurait dire qu'en faire.",
     "Un MESSAGE aux données Common Alerting Protocol, d'un capteur par exemple, chez un service d'urgence (RFC 8876).",
     "Lire AlertMsg-Error, corriger l'alerte, la renvoyer.",
     "AlertMsg-Error est obligatoire : y dire ce qui n'allait pas. Seulement si rien d'autre dans la requête ne peut "
     "servir, et jamais à une requête sans alerte.",
     NULL},
    {428, "Identité signée exigée", "Les appels sans identité signée ne sont pas pris ici.",
     "Un vérificateur dont la règle veut un champ Identity (STIR), et une requête qui n'en a aucun d'un genre qu'il "
     "comprenne.",
     "Redemander avec Identity, ou faire signer par son opérateur.",
     "Seulement si la règle l'exige. Une signature présente mais mauvaise relève de 436, 437 ou 438.", NULL},
    {429, "Identité du référent exigée", "Qui a demandé le transfert doit le prouver.",
     "Une requête née d'un REFER, ou le REFER lui-même, dont le jeton signé Referred-By est absent, périmé ou faux.",
     "Le dire au référent par NOTIFY ; il peut envoyer un nouveau REFER avec un jeton.",
     "Facultatif si le jeton est absent ou périmé, obligatoire s'il n'est pas valable (RFC 3892 2.3).", NULL},
    {430, "Flux rompu", "La connexion vers le terminal est rompue ; une autre existe peut-être.",
     "Un proxy de bordure dit au proxy qui tient les enregistrements qu'un flux d'un client est mort (RFC 5626).",
     "Ce proxy essaie un autre flux du même client ; un terminal ne devrait jamais le voir, et le traite comme 400.",
     "Seul un proxy de bordure l'envoie ; d'autres flux du client marchent peut-être encore.", NULL},
    {433, "Anonymat refusé", "Les appels anonymes sont refusés ici.",
     "Un appelé qui veut savoir qui appelle, et un appelant qui se cache.",
     "Rappeler sans masquer son identité, si l'on veut.",
     "Seulement si l'appelant se cache exprès, non s'il manque simplement une identité certifiée ; un appelant connu "
     "mais non voulu relève de 603 ou 607.",
     NULL},
    {436, "Information d'identité incorrecte", "Le certificat que désigne Identity ne peut être obtenu.",
     "L'URI du paramètre info est morte ou rend n'importe quoi.", "Réparer la publication de ses certificats.",
     "Prendre garde à qui l'on interroge : aller chercher toute URI peut être détourné.", NULL},
    {437, "Certificat non géré", "Le certificat qui a signé l'identité ne sert à rien ici.",
     "Une autorité à laquelle on ne se fie pas, ou un algorithme inconnu.",
     "Signer avec un certificat que le vérificateur accepte et comprend.",
     "Pour un certificat qu'on a et qu'on n'accepte pas ; celui qu'on n'a pu obtenir relève de 436.", NULL},
    {438, "Champ Identity non valable", "Aucun champ Identity de la requête n'a de signature valable.",
     "Le numéro de l'appelant ou la Date a changé en route, une affirmation manque, ou quelqu'un triche. Une Date "
     "seulement trop vieille relève de 403, Stale Date.",
     "Signer de nouveau, par la forme complète du PASSporT ; si cela échoue, chercher ce qui récrit From, To ou Date "
     "en route.",
     "Seulement si la règle refuse un appel pour une signature fausse. Le journaliser : ce peut être une fraude.",
     NULL},
    {439, "Premier saut sans outbound", "Le client a demandé outbound, et son premier proxy ne le connaît pas.",
     "Un REGISTER avec reg-id par un proxy de bordure sans RFC 5626, qui n'a pas mis ob dans Path.",
     "S'enregistrer de nouveau sans outbound, si cela suffit, ou par un autre proxy sortant.",
     "Seul un serveur d'enregistrement l'envoie, à un client qui a écrit et reg-id et Supported: outbound.", NULL},
    {440, "Max-Breadth dépassé", "La requête devrait être ramifiée au-delà de ce que Max-Breadth permet.",
     "Un proxy avec plus de cibles que de branches permises, et qui ne peut ni les essayer tour à tour ni rediriger "
     "(RFC 5393).",
     "Savoir que toutes les destinations n'ont pas été atteintes ; chercher une boucle qui multiplie les requêtes.",
     "Essayer plutôt les cibles l'une après l'autre, ou rediriger, si possible.", NULL},
    {0, NULL, NULL, NULL, NULL, NULL, NULL},
};
