/* SPDX-License-Identifier: Apache-2.0 */
/* The order of SRV records (RFC 2782), and which names may be asked for. */
#include "locate/locate_plan.h"
#include "util/random.h"

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool locate_name_is_fit(struct span name)
{
    size_t label = 0;
    if (name.len == 0 || name.len > LOCATE_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '.' ? label == 0 : !is_name_byte(name.at[i]) || label == 63)
            return false;
        label = name.at[i] == '.' ? 0 : label + 1;
    }
    return label > 0;
}

static void swap(struct locate_record *a, struct locate_record *b)
{
    struct locate_record kept = *a;
    *a = *b;
    *b = kept;
}

/* By priority; those of weight 0 first within one, as the drawing below wants it.  A DNS server may send them in any
 * order, so bytes decide where all else is the same: equal seeds give equal orders. */
static bool comes_before(const struct locate_record *a, const struct locate_record *b)
{
    if (a->order != b->order)
        return a->order < b->order;
    if (a->weight != b->weight)
        return a->weight < b->weight;
    int names = span_compare(a->name, b->name);
    return names != 0 ? names < 0 : a->port < b->port;
}

static void sort(struct locate_record *records, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        for (unsigned j = i; j > 0 && comes_before(&records[j], &records[j - 1]); j--)
            swap(&records[j], &records[j - 1]);
}

/* Draws the first of `count` records of one priority: the running sum that reaches a number from 0 to the whole sum. */
static unsigned draw(const struct locate_record *records, unsigned count, struct random *random)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += records[i].weight;
    uint64_t wanted = random_below(random, sum + 1);
    uint64_t running = 0;
    for (unsigned i = 0; i < count; i++) {
        running += records[i].weight;
        if (running >= wanted)
            return i;
    }
    return count - 1;
}

void locate_srv_order(struct locate_record *records, unsigned count, struct random *random)
{
    sort(records, count);
    for (unsigned i = 0; i + 1 < count; i++) {
        unsigned same = 1;
        while (i + same < count && records[i + same].order == records[i].order)
            same++;
        /* Moved to the front; the rest keeps its order, weight 0 first. */
        for (unsigned chosen = i + draw(&records[i], same, random); chosen > i; chosen--)
            swap(&records[chosen], &records[chosen - 1]);
    }
}
