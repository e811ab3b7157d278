/* SPDX-License-Identifier: Apache-2.0 */
/* Private to notifier: the subscription, its states, the runner, the users that are watched. */
#pragma once

#include "notifier/notifier.h"
#include "txn/txn_slab.h"
#include "util/list.h"
#include "util/map.h"

enum notifier_state {
    NOTIFIER_IDLE,  /* all has been told */
    NOTIFIER_DUE,   /* something is to be told, at due_ms */
    NOTIFIER_BUSY,  /* a NOTIFY is out */
    NOTIFIER_STALE, /* one is out, and more is to be told after it */
    NOTIFIER_LAST,  /* the last one is out */
    NOTIFIER_OVER,  /* about to be freed */
    NOTIFIER_STATE_COUNT
};

enum notifier_event {
    NOTIFIER_EV_ASKED,   /* a SUBSCRIBE was answered 200 */
    NOTIFIER_EV_LEFT,    /* one with Expires 0 was */
    NOTIFIER_EV_CHANGED, /* its turn has come to be told of a change */
    NOTIFIER_EV_DUE,     /* due_ms has come */
    NOTIFIER_EV_EXPIRED,
    NOTIFIER_EV_END,    /* its turn has come to end */
    NOTIFIER_EV_TOLD,   /* NOTIFY: 2xx, or there was nothing to tell */
    NOTIFIER_EV_UNTOLD, /* NOTIFY: refused, but the subscription stands */
    NOTIFIER_EV_LATER,  /* the same, and it is to be tried again; or it could not be sent */
    NOTIFIER_EV_LOST,   /* NOTIFY: 481 and its kin, timed out */
    NOTIFIER_EVENT_COUNT
};

/* What a step does. */
enum notifier_action {
    NOTIFIER_DO_SEND = 1 << 0,      /* a NOTIFY */
    NOTIFIER_DO_SEND_LAST = 1 << 1, /* with Subscription-State: terminated */
    NOTIFIER_DO_WAIT = 1 << 2,      /* until the interval allows the next one */
    NOTIFIER_DO_MISSED = 1 << 3,    /* what was sent did not arrive: the next one has to be full */
    NOTIFIER_DO_PASS = 1 << 4 /* by the NOTIFY that is out: its transaction goes on, and nobody waits for its end */
};

/* One cell of the table; not set: the event is ignored. */
struct notifier_step {
    bool is_set;
    uint8_t next; /* enum notifier_state */
    uint8_t actions;
};
extern const struct notifier_step notifier_steps[NOTIFIER_STATE_COUNT][NOTIFIER_EVENT_COUNT];

#define NOTIFIER_NEVER UINT64_MAX

/* A run of bytes from the slab. */
struct notifier_bytes {
    char *at;
    uint32_t len;
};

/* How many subscriptions and publications an address has; counted only where it is not trusted. */
struct notifier_peer {
    struct map_node node; /* first */
    struct net_address address;
    size_t count;
};

/* A user that is watched, or for whom something is published. */
struct notifier_user {
    struct map_node node; /* by AOR, unless it ends; first */
    struct list queue;    /* among those with changes, or those that end */
    struct list subscriptions;
    struct list publications; /* the newest first */
    size_t subscription_count[NOTIFIER_PACKAGES_MAX];
    size_t publication_count;
    uint32_t change[NOTIFIER_PACKAGES_MAX]; /* of each package's state: how many so far */
    uint32_t round;                         /* the walk in which subscriptions are told */
    uint8_t reason;                         /* enum notifier_reason, when `ends` */
    bool ends;
    bool is_found; /* by its AOR */
    struct notifier_bytes aor;
};

struct notifier_publication {
    struct list link; /* the user's */
    struct timer timer;
    struct notifier_table *table;
    struct notifier_user *user;
    struct notifier_peer *peer;
    struct notifier_bytes body;
    uint8_t package;
    char etag[TXN_TAG_LEN];
};

/* The texts of a dialog, kept in one block behind each other. */
enum notifier_text {
    NOTIFIER_TEXT_CALL_ID,
    NOTIFIER_TEXT_REMOTE_TAG,
    NOTIFIER_TEXT_REMOTE,  /* the subscriber's From value: the To of our NOTIFY */
    NOTIFIER_TEXT_LOCAL,   /* its To value without tag: our From, with our tag */
    NOTIFIER_TEXT_ROUTES,  /* in order of travel, each value ended by NUL */
    NOTIFIER_TEXT_CONTACT, /* ours */
    NOTIFIER_TEXT_EVENT,   /* value of Event in our NOTIFY: the package, and the id that was given */
    NOTIFIER_TEXT_COUNT
};

struct notifier_subscription {
    struct map_node node; /* by local tag; first */
    struct list link;     /* the user's */
    struct timer timer;   /* the earlier of expires_ms and due_ms */
    struct notifier_table *table;
    struct notifier_user *user;
    struct notifier_peer *peer; /* NULL: trusted */
    struct errand *errand;      /* a NOTIFY that is out */
    struct net_flow flow;
    struct net_address source;
    uint64_t expires_ms;
    uint64_t due_ms;
    uint64_t sent_ms;  /* when the latest NOTIFY went */
    uint32_t retry_ms; /* what a refused NOTIFY was told to wait */
    uint64_t mark, next_mark;
    struct notifier_bytes texts;
    struct notifier_bytes target; /* the remote target's URI, which the subscriber may refresh */
    uint32_t remote_cseq, local_cseq;
    uint32_t version;
    uint32_t change; /* of the user's, that was told */
    uint32_t round;
    uint16_t text_len[NOTIFIER_TEXT_COUNT];
    uint8_t state;    /* enum notifier_state */
    uint8_t package;  /* index */
    uint8_t reason;   /* enum notifier_reason, of its end */
    bool leaves;      /* the latest SUBSCRIBE said Expires 0 */
    bool wants_full;  /* the next document has to be full */
    bool is_full;     /* the one that is out is */
    bool is_nothing;  /* there was nothing to tell */
    bool is_asked;    /* a SUBSCRIBE waits for its NOTIFY */
    bool is_passed;   /* one NOTIFY passed another, and neither has been answered */
    bool is_fetch;    /* Expires 0 from the beginning */
    bool is_begun;    /* a 200 went out */
    bool is_unproven; /* counted among the unacknowledged of its source, until a NOTIFY was answered */
    char tag[TXN_TAG_LEN];
};

/* In a block of its own beside its texts: what one subscription takes in all stays under 1 KiB. */
_Static_assert(sizeof(struct notifier_subscription) <= 384, "with texts of some 400 bytes it stays under 1 KiB");

struct notifier_entry {
    const struct notifier_package *package;
    void *ctx;
    struct span name, media_type;
};

enum { NOTIFIER_BODY_MAX = 60000, NOTIFIER_TEXTS_MAX = 16384 };

struct notifier_table {
    struct notifier_options options; /* defaults filled in */
    struct txn_table *txns;
    struct txn_slab *slab;
    const struct clock *clock;
    struct wheel *wheel;
    struct errand_table *errands;
    struct map by_tag, users, peers;
    struct list changed; /* users some of whose subscriptions have to be told */
    struct list ending;  /* users all of whose subscriptions are to end */
    struct timer pump;
    uint64_t pumped_ms;
    uint64_t allowance; /* thousandths of NOTIFYs */
    uint32_t rate;
    bool is_closed;
    size_t publications;
    struct notifier_entry packages[NOTIFIER_PACKAGES_MAX];
    unsigned package_count;
    char events[128];
    size_t events_len;
    struct notifier_counters counters;
    char *body;  /* where documents are written; NOTIFIER_BODY_MAX */
    char *texts; /* where texts are collected; NOTIFIER_TEXTS_MAX */
};

/* notifier_table.c */
bool notifier_bytes_set(struct notifier_table *table, struct notifier_bytes *out, struct span bytes);
void notifier_bytes_clear(struct notifier_table *table, struct notifier_bytes *bytes);
/* The index of the package with this name; `package_count` when there is none. */
unsigned notifier_package_find(const struct notifier_table *table, struct span name);
/* One more of an address: ERR_FULL at the cap for one source, ERR_NOMEM. */
MUST_CHECK enum err notifier_peer_take(struct notifier_table *table, const struct net_address *address,
                                       struct notifier_peer **out_peer);
void notifier_peer_give(struct notifier_table *table, struct notifier_peer *peer);

/* notifier_user.c: NULL when there is none. */
struct notifier_user *notifier_user_find(const struct notifier_table *table, struct span aor);
/* The same, made when there is none; ERR_NOMEM. */
MUST_CHECK enum err notifier_user_take(struct notifier_table *table, struct span aor, struct notifier_user **out_user);
/* Frees it when nothing is left of it. */
void notifier_user_give(struct notifier_table *table, struct notifier_user *user);
struct span notifier_user_aor(const struct notifier_user *user);
/* Marks a change of one package's state; the pump tells of it. */
void notifier_user_changed(struct notifier_table *table, struct notifier_user *user, unsigned package);

/* notifier_pump.c */
void notifier_pump_init(struct notifier_table *table);
void notifier_pump_start(struct notifier_table *table);

/* notifier_dialog.c: links nothing. */
struct span notifier_text(const struct notifier_subscription *subscription, enum notifier_text text);
MUST_CHECK enum err notifier_dialog_init(struct notifier_subscription *subscription, const struct sip_message *request,
                                         const struct notifier_accept *accept);
void notifier_dialog_refresh(struct notifier_subscription *subscription, const struct sip_message *request);
/* Takes it out of everything and frees it. */
void notifier_free(struct notifier_subscription *subscription);

/* notifier_run.c: the only way in which a subscription changes; it is gone afterwards when the step ends in NOTIFIER_OVER. */
void notifier_run(struct notifier_subscription *subscription, enum notifier_event event);
void notifier_timer(struct timer *timer, void *ctx);
void notifier_arm(struct notifier_subscription *subscription);

/* notifier_notify.c: false when no NOTIFY could be sent; *out_nothing: because there is nothing to tell. */
bool notifier_send(struct notifier_subscription *subscription, bool *out_nothing);

/* notifier_publish.c */
void notifier_publications_drop(struct notifier_table *table, struct notifier_user *user);
/* The newest published body of a package; empty: none. */
struct span notifier_published(const struct notifier_user *user, unsigned package);

/* notifier_presence.c; notifier_pidf.c: whether `body` is one well-formed presence document. */
extern const struct notifier_package notifier_presence_package;
bool notifier_pidf_check(struct span body, const char **out_why);
