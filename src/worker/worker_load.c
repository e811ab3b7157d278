/* SPDX-License-Identifier: Apache-2.0 */
/* What was read in an interval had arrived in a span that follows from the waits at its two ends, when another share may have
 * held: so each share is remembered for as long as a message may wait.  The work of the interval (its length less what was
 * slept) for the arrivals of that span gives the share at which both would be equal, whatever a request costs.  What
 * waits by now came under the shares since the message read last: that queue, not the one it stood in, is what is
 * brought back to its target within the horizon.  src/gate/README.md derives it. */
#include "worker/worker_load.h"

static const double SHARE_LEAST = 1.0 / 128;
static const double BALANCE_MOST = 2;      /* nothing is known of an offer that is far below what can be served */
static const double KEPT = 0.5;            /* of what is remembered, from interval to interval */
static const double PAUSE_US = 40000;      /* an interval that took longer was not all work */
static const double LEAST = 0, MOST = 1.1; /* of the balance that a queue too long, or none, makes of it */

void worker_load_init(struct worker_load *load, uint64_t target_us)
{
    *load = (struct worker_load){
        .target_us = target_us, .share = 1, .balance = 1, .offered_us = 1, .worked_us = 1, .least_us = UINT64_MAX};
    load->steps[0].share = 1;
}

static double within(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

/* How much of a constant offer the shares let through between two moments, in microseconds of it. */
static double let_through(const struct worker_load *load, uint64_t from_us, uint64_t until_us)
{
    double sum = 0;
    for (unsigned i = 0; i < WORKER_LOAD_STEPS && from_us < until_us; i++) {
        const struct worker_load_step *step = &load->steps[(load->step - i) % WORKER_LOAD_STEPS];
        bool is_oldest = i == WORKER_LOAD_STEPS - 1;
        uint64_t begin_us = step->from_us < from_us || is_oldest ? from_us : step->from_us;
        if (begin_us >= until_us)
            continue;
        sum += step->share * (double)(until_us - begin_us);
        until_us = begin_us;
    }
    return sum;
}

/* Work and what it was for are summed apart, older ones for less: a mean of ratios would make much of spans in which
 * little came. */
static void learn(struct worker_load *load, uint64_t now_us, uint64_t wait_us)
{
    double elapsed = (double)(now_us - load->began_us), busy = elapsed - within((double)load->idle_us, 0, elapsed);
    uint64_t from_us = load->began_us - load->before_us, until_us = now_us - wait_us;
    if (from_us >= until_us) /* it stood still */
        return;
    load->offered_us = KEPT * load->offered_us + let_through(load, from_us, until_us);
    load->worked_us = KEPT * load->worked_us + within(busy, elapsed / 64, PAUSE_US);
    load->balance = within(load->offered_us / load->worked_us, SHARE_LEAST, BALANCE_MOST);
}

static void set_share(struct worker_load *load, uint64_t now_us, double share)
{
    load->share = share;
    load->step = (load->step + 1) % WORKER_LOAD_STEPS;
    load->steps[load->step] = (struct worker_load_step){now_us, share};
}

bool worker_load_note(struct worker_load *load, const struct worker_load_turn *turn)
{
    uint64_t now_us = turn->now_us, wait_us = turn->wait_us;
    if (load->target_us == 0 || (wait_us == 0 && worker_load_is_idle(load)))
        return false;
    if (load->began_us == 0) {
        load->began_us = now_us;
        load->before_us = wait_us;
        load->idle_us = 0;
    } else {
        load->idle_us += turn->idle_us;
    }
    if (wait_us < load->least_us)
        load->least_us = wait_us;
    if (now_us - load->began_us < WORKER_LOAD_INTERVAL_US)
        return false;
    learn(load, now_us, wait_us);
    double before = load->share;
    /* A burst that is worked off is no overload. */
    if (before < 1 || (load->least_us > load->target_us / 2 && wait_us > load->target_us)) {
        double queue = let_through(load, now_us - wait_us, now_us) / load->balance;
        double excess = (queue - (double)load->target_us) / WORKER_LOAD_HORIZON_US;
        set_share(load, now_us, within(load->balance * within(1 - excess, LEAST, MOST), SHARE_LEAST, 1));
    }
    load->before_us = wait_us;
    load->least_us = UINT64_MAX;
    load->idle_us = 0;
    load->began_us = load->share >= 1 && wait_us == 0 ? 0 : now_us;
    return load->share != before;
}

void worker_turns_init(struct worker_turns *turns, uint64_t target_us)
{
    *turns = (struct worker_turns){.target_us = target_us, .share = 1};
}

/* One long turn may be another program's doing: two in a row are a queue. */
bool worker_turns_note(struct worker_turns *turns, uint64_t now_us, uint64_t turn_us)
{
    static const double AGAIN = 1.1;
    double before = turns->share;
    if (turns->target_us == 0)
        return false;
    turns->longs = turn_us > turns->target_us ? turns->longs + 1 : 0;
    if (turns->longs >= 2)
        turns->share *= within((double)turns->target_us / (double)turn_us, 0.1, 1);
    else if (turn_us < turns->target_us / 2 && now_us - turns->changed_us >= turns->target_us)
        turns->share *= AGAIN;
    turns->share = within(turns->share, SHARE_LEAST, 1);
    if (turns->share != before)
        turns->changed_us = now_us;
    return turns->share != before;
}
