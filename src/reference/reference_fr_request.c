/* SPDX-License-Identifier: Apache-2.0 */
/* 400 to 440 in French. */
#include "reference/reference_priv.h"

const struct reference_text reference_fr_request[] = {
    {400, "Requête incorrecte", "La requête est mal formée : elle n'a pas pu être lue.",
     "Un champ absent ou abîmé, un Content-Length faux, une faute de syntaxe. Un 4xx inconnu est traité comme 400.",
     "Ne pas la répéter telle quelle ; il faut corriger ce qui a été envoyé.",
     "Dire dans le libellé ce qui ne va pas : « Missing Call-ID header field ».", NULL},
    {401, "Non autorisé", "L'appelé demande des identifiants.",
     "Un serveur d'enregistrement ou un terminal demande qui est là, par WWW-Authenticate.",
     "Répéter avec Authorization et un CSeq plus grand de un. Si des identifiants étaient déjà donnés et que le nonce "
     "est "
     "le même, ils sont faux.",
     "Envoyer un défi frais ; marquer stale=true un nonce seulement trop vieux.", NULL},
    {402, "Paiement exigé", "Réservé : aucune RFC ne dit ce qu'il voudrait dire.",
     "Des services prépayés l'envoient par accord privé quand le crédit est épuisé.",
     "Le traiter comme 403, sauf si l'on connaît le serveur.",
     "Préférer 403 avec un libellé ; nul n'est tenu de connaître 402.", NULL},
    {403, "Interdit", "La requête est comprise et refusée ; des identifiants n'y changeront rien.",
     "Un appelant sans droit, une destination bloquée pour ce compte, une source non admise.",
     "Ne pas la répéter. S'adresser à qui tient le service.",
     "Dire dans le libellé quelle règle joue, autant qu'on le peut. Les autres branches continuent.", NULL},
    {404, "Introuvable", "Le serveur sait avec certitude que personne ne porte ce nom dans son domaine.",
     "Un numéro jamais attribué, un nom mal écrit, un domaine dont ce serveur ne répond pas.",
     "Vérifier l'adresse. Rien n'est dit de son avenir.",
     "L'envoyer pour ce qui n'a jamais existé, et chaque fois qu'on ne sait pas si c'est fini pour toujours.",
     "404 parle d'ici et ne dit rien de la durée : le numéro sera peut-être attribué demain, et l'appelant peut "
     "redemander. C'est donc la réponse sûre quand la permanence est douteuse. Un 410 exige une preuve : une pierre "
     "tombale, une liste de tranches fermées.\n"
     "Il exige pourtant une autre certitude : un annuaire illisible ne sait rien, et sa réponse est 503 ou 500. Une "
     "ligne "
     "simplement éteinte, c'est 480.\n"
     "Dans une recherche ramifiée c'est la réponse d'une branche ; 604 serait celle de qui parle pour tous les lieux.\n"
     "Les passerelles le transmettent comme cause 1, numéro non attribué, et le tirent des causes 1, 2, 3 et 26. Un "
     "curieux apprend par 404 contre 401 quels numéros existent : répondre de même aux inconnus pour tous les "
     "numéros."},
    {405, "Méthode non permise", "La méthode est connue, mais pas permise pour cette adresse.",
     "Un REGISTER vers un terminal, un PUBLISH vers une ligne sans présence.", "Employer une des méthodes de Allow.",
     "Allow, avec les méthodes permises, est obligatoire. Une méthode tout à fait inconnue relève de 501.", NULL},
    {406, "Non acceptable",
     "La réponse n'existe que sous une forme que Accept, Accept-Encoding ou Accept-Language refusent.",
     "Rare. Un appelant dont Accept ne laisse aucune forme de réponse.", "Redemander avec un Accept plus large.",
     "Il s'agit de la forme de la réponse ; des médias qui ne conviennent pas relèvent de 488.", NULL},
    {407, "Authentification exigée par le proxy", "Un proxy sur le chemin demande des identifiants.",
     "Le proxy sortant de l'appelant veut reconnaître ses clients.",
     "Répéter avec Proxy-Authorization et un CSeq plus grand de un.",
     "Seul un proxy l'envoie, avec Proxy-Authenticate ; un terminal et un serveur d'enregistrement envoient 401.",
     NULL},
    {408, "Délai dépassé", "Aucune réponse n'a pu être trouvée à temps.",
     "Un proxy n'a rien entendu du saut suivant, ou une recherche a trop duré. L'appelant s'en fait un quand son "
     "propre "
     "temporisateur expire.",
     "La requête peut être répétée plus tard, sans changement.",
     "Seulement pour un INVITE : pour une autre méthode il viendrait toujours trop tard (RFC 4320).", NULL},
    {410, "Disparu", "Cela a existé ici, n'y est plus, n'a pas laissé d'adresse, et il est à croire que cela durera.",
     "Un numéro rendu ou porté ailleurs sans trace, un compte supprimé, un bureau fermé, un domaine rendu.",
     "Ne plus demander ici : effacer du carnet d'adresses, du composeur et de l'acheminement. La même personne peut "
     "être "
     "joignable à une autre adresse.",
     "Seulement avec une preuve de permanence ; le répéter jusqu'à l'ACK comme toute réponse finale à un INVITE. Dire "
     "la "
     "cause dans Reason et donner une annonce dans Error-Info.",
     "La réponse a quatre parties, et toutes doivent être vraies : cela a existé ; cela n'existe plus ; aucune "
     "nouvelle "
     "adresse n'est connue (sinon 301) ; l'état est probablement permanent. La RFC 3261 21.4.10 veut 404 si ce dernier "
     "point ne peut être établi.\n"
     "Elle ne se reprend guère : un client qui l'a crue ne revient jamais apprendre le contraire. Elle ne doit donc "
     "venir "
     "ni d'une erreur, ni d'un délai, ni d'une surcharge, ni d'un entretien, ni d'un annuaire à moitié chargé : c'est "
     "là "
     "500, 503 ou 480. Un numéro qui sera réattribué n'est 410 que le temps de sa quarantaine.\n"
     "C'est un 4xx : dans une recherche ramifiée les autres branches continuent, et un proxy peut préférer la réponse "
     "d'une "
     "autre.\n"
     "Tous les réseaux ne le lisent pas de même. Les RFC 3398 et 4497 le transmettent comme cause 22, numéro changé ; "
     "des "
     "produits en font 1, non attribué, ou le tirent de l'une et l'autre. Un Reason: Q.850;cause=22 (ou 1) dans la "
     "réponse "
     "dit laquelle est voulue (RFC 6432)."},
    {412, "Condition non remplie", "La condition posée par la requête n'est pas remplie.",
     "Un PUBLISH dont SIP-If-Match nomme un état que le serveur n'a pas, ou n'a plus.",
     "Publier de nouveau, sans SIP-If-Match.", "Ne jamais garder ce qu'apporte une telle requête.", NULL},
    {413, "Corps trop grand", "Le corps est plus grand que le serveur ne l'accepte.",
     "Une grande image ou une longue liste dans MESSAGE ou PUBLISH.",
     "Envoyer moins, ou attendre ce que dit Retry-After s'il est là.",
     "La connexion peut être fermée. Donner Retry-After si ce n'est que pour l'instant.", NULL},
    {414, "Request-URI trop longue", "La Request-URI est plus longue que le serveur ne la lit.",
     "Une URI dont les champs ou paramètres ont grossi, ou une attaque.",
     "La raccourcir : c'est une faute de ce qui a fait l'URI.",
     "Placer la limite bien au-dessus du besoin des URI honnêtes.", NULL},
    {415, "Type de contenu non géré", "Le type, le codage ou la langue du corps n'est pas compris.",
     "Un INVITE dont le corps n'est pas du SDP, un MESSAGE que le téléphone ne sait pas montrer.",
     "Envoyer un autre corps, parmi ceux de Accept, Accept-Encoding ou Accept-Language.",
     "Dire ce qu'on accepterait dans celui de ces champs qui convient.", NULL},
    {416, "Schéma d'URI non géré", "Le schéma de la Request-URI n'est pas connu ici.",
     "Une URI tel: ou http: chez un serveur qui n'achemine que sip:.", "Tourner l'adresse en URI sip: et redemander.",
     "Seulement pour la Request-URI ; les autres URI du message n'importent pas.", NULL},
    {417, "Resource-Priority inconnue", "Aucune des priorités nommées n'est connue ici.",
     "Une requête avec Require: resource-priority dans un espace de noms que le serveur n'a pas.",
     "Redemander avec une valeur de Accept-Resource-Priority, ou sans elle.",
     "Seulement si Require l'exige ; sinon les valeurs inconnues restent simplement non lues (RFC 4412).", NULL},
    {420, "Extension non gérée", "Require ou Proxy-Require nomme une extension qui n'est pas comprise.",
     "Un client tient à une nouveauté.", "Redemander sans les étiquettes de Unsupported.",
     "Les mettre toutes dans Unsupported. Jamais pour un ACK ni un CANCEL.", NULL},
    {421, "Extension exigée", "Le serveur a besoin d'une extension que le client n'offre pas dans Supported.",
     "Un service impossible sans elle, par exemple sans réponses provisoires fiables.",
     "Redemander avec l'extension dans Require ou Supported, si on l'a.",
     "La nommer dans Require ; seulement si aucun service de base n'est possible.", NULL},
    {422, "Intervalle de session trop court",
     "La durée de session demandée est plus courte qu'un serveur du chemin ne l'admet.",
     "Un INVITE ou UPDATE au Session-Expires court.", "Redemander avec un Session-Expires au moins égal à Min-SE.",
     "Donner le plus petit intervalle admis dans Min-SE ; la RFC 4028 l'interdit sous 90 s.", NULL},
    {423, "Intervalle trop bref", "La durée demandée est plus courte que le serveur ne l'admet.",
     "Un REGISTER, SUBSCRIBE ou PUBLISH au Expires court, chez un serveur qui limite les rafraîchissements.",
     "Redemander avec une durée au moins égale à Min-Expires.",
     "Donner Min-Expires. Un serveur d'enregistrement ne refuse pas ainsi une heure ou plus.", NULL},
    {424, "Localisation incorrecte", "La localisation jointe à la requête est inutilisable.",
     "Une Geolocation mal formée, périmée ou introuvable, surtout dans les appels d'urgence.",
     "Corriger ou retirer la localisation, selon Geolocation-Error. Un appel d'urgence continue sans elle.",
     "Dire pourquoi dans Geolocation-Error. Ne pas refuser pour cela un appel d'urgence.", NULL},
    {425, "Message d'alerte incorrect",
     "L'alerte d'un appel sans personne (d'un capteur, par exemple) ne peut être traitée.",
     "Un MESSAGE au corps Common Alerting Protocol, chez un service d'urgence (RFC 8876).",
     "Lire AlertMsg-Error, corriger l'alerte, la renvoyer.", "Dire par AlertMsg-Error ce qui n'allait pas.", NULL},
    {428, "Identité signée exigée", "Les appels sans identité signée ne sont pas pris ici.",
     "Un vérificateur qui veut de tous un champ Identity (STIR).",
     "Redemander avec Identity, ou faire signer par son opérateur.",
     "Seulement si la règle l'exige : la plupart des réseaux prennent les appels non signés et les marquent.", NULL},
    {429, "Identité du référent exigée", "Qui a demandé le transfert doit le prouver.",
     "Une requête née d'un REFER sans Referred-By signé.", "Obtenir du référent un jeton Referred-By et répéter.",
     "Seulement si la règle des transferts en a besoin.", NULL},
    {430, "Flux rompu", "La connexion vers le terminal est rompue ; une autre existe peut-être.",
     "Un proxy de bordure le dit au côté de l'enregistrement (RFC 5626).",
     "Un proxy qui le voit essaie un autre flux du même client ; l'appelant ne devrait jamais le voir.",
     "Seulement d'un proxy de bordure ; oublier l'enregistrement de ce flux.", NULL},
    {433, "Anonymat refusé", "Les appels anonymes sont refusés ici.",
     "Un appelé qui veut savoir qui appelle, et un appelant qui se cache.",
     "Rappeler sans masquer son identité, si l'on veut.",
     "Seulement pour une identité absente ; un appelant connu mais non voulu relève de 603 ou 607.", NULL},
    {436, "Information d'identité incorrecte", "Le certificat que désigne Identity ne peut être obtenu.",
     "L'URI du paramètre info est morte ou rend n'importe quoi.", "Réparer la publication de ses certificats.",
     "Prendre garde à qui l'on interroge : aller chercher toute URI peut être détourné.", NULL},
    {437, "Certificat non accepté", "Le certificat qui a signé l'identité n'est pas accepté.",
     "Une autorité inconnue, un certificat périmé, une forme inconnue.",
     "Signer avec un certificat auquel le vérificateur fait confiance.", "Vérifier toute la chaîne avant de le dire.",
     NULL},
    {438, "Champ Identity non valable", "La signature de l'identité est fausse.",
     "Le numéro de l'appelant a changé en route, la Date est trop vieille, ou quelqu'un triche.",
     "Signer de nouveau ; si cela échoue, chercher ce qui récrit From, To ou Date en route.",
     "Le journaliser : de tous les échecs d'identité c'est le plus proche de la fraude.", NULL},
    {439, "Premier saut sans outbound", "Le client a demandé outbound, et son premier proxy ne le connaît pas.",
     "Un REGISTER avec reg-id par un proxy de bordure sans RFC 5626.", "S'enregistrer de nouveau sans outbound.",
     "Seul un serveur d'enregistrement l'envoie, à un client qui a écrit Supported: outbound.", NULL},
    {440, "Max-Breadth dépassé", "La requête devrait être ramifiée au-delà de ce que Max-Breadth permet.",
     "Un proxy avec plus de cibles que de branches permises ; le plus souvent une boucle qui multiplie.",
     "Rien : chercher la boucle.", "Essayer les cibles l'une après l'autre, si possible.", NULL},
    {0, NULL, NULL, NULL, NULL, NULL, NULL},
};
