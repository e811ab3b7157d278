/* SPDX-License-Identifier: Apache-2.0 */
/* While a queue stands, arrivals run at (1 + its growth in seconds a second) times what is served: both follow from two
 * waits, whatever a request costs.  So the share at which they would be equal follows too; it is remembered, and what is
 * let through is that share, less what brings the queue back to its target within the horizon.  The shortest wait of an
 * interval counts: a burst that is worked off is no overload. */
#include "worker/worker_load.h"

static const double SHARE_LEAST = 1.0 / 128;
static const double WEIGHT = 0.5; /* of a measurement, beside what is remembered */
static const double PROBE = 1.15; /* while no queue says what would be right */

void worker_load_init(struct worker_load *load, uint64_t target_us)
{
    *load = (struct worker_load){.target_us = target_us, .share = 1, .balance = 1, .least_us = UINT64_MAX};
}

static double within(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

static void learn(struct worker_load *load, uint64_t elapsed_us)
{
    if (load->least_us <= load->target_us / 2) {
        load->balance = within(load->balance * PROBE, SHARE_LEAST, 1);
        return;
    }
    double growth = ((double)load->least_us - (double)load->before_us) / (double)elapsed_us;
    double measured = within(load->share / (1 + within(growth, -0.9, 9)), SHARE_LEAST, 1);
    load->balance += WEIGHT * (measured - load->balance);
}

bool worker_load_note(struct worker_load *load, uint64_t now_us, uint64_t wait_us)
{
    if (load->target_us == 0 || (wait_us == 0 && worker_load_is_idle(load)))
        return false;
    if (load->began_us == 0)
        load->began_us = now_us;
    if (wait_us < load->least_us)
        load->least_us = wait_us;
    uint64_t elapsed_us = now_us - load->began_us;
    if (elapsed_us < WORKER_LOAD_INTERVAL_US)
        return false;
    double before = load->share;
    learn(load, elapsed_us);
    double excess = ((double)load->least_us - (double)load->target_us) / WORKER_LOAD_HORIZON_US;
    load->share = within(load->balance * within(1 - excess, 0.3, 2), SHARE_LEAST, 1);
    load->before_us = load->least_us;
    load->least_us = UINT64_MAX;
    load->began_us = load->share >= 1 && load->before_us == 0 ? 0 : now_us;
    return load->share != before;
}
