/* SPDX-License-Identifier: Apache-2.0 */
/* One version's VMs on several threads: what they share is read, or counts right. */
#include "facts/facts_shared.h"
#include "support_policy.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { THREADS = 4, DECISIONS = 2000 };

struct worker {
    pthread_t thread;
    struct policy *policy;
    struct sip_message message;
    char bytes[2048];
    unsigned gone, flood;
};

static void *decide_often(void *ctx)
{
    struct worker *worker = ctx;
    struct policy_decision decision;
    struct policy_request request =
        request_of(&worker->message, worker->bytes, sizeof(worker->bytes), "INVITE", "sip:+15550142@example.com", NULL);
    request.target.number = SPAN("+15550142");
    for (int i = 0; i < DECISIONS; i++) {
        policy_decide(worker->policy, &request, &decision);
        worker->gone += decision.answer->code == 410;
        worker->flood += decision.answer->code == 486;
        policy_collect(worker->policy);
    }
    return NULL;
}

static void workers_share_a_version(void **state)
{
    (void)state;
    const struct source_file file = {
        "policy.lua", SPAN("return policy { on_error = reject(500) {}, default = not_found {},\n"
                           "data = { blocks = ranges { '+15550100-+15550199' } },\n"
                           "shared = { calls = counter { ttl = 3600 } }, rules = {\n"
                           "{ 'flood', check = function(req, env) return env.calls:incr('all') > 5000 end,\n"
                           "  verdict = reject(486) {} },\n"
                           "{ 'block', when = { number = in_ranges 'blocks' }, verdict = gone {} } } }")};
    static struct worker workers[THREADS];
    struct source *source = NULL;
    struct policy_program *program = NULL;
    struct facts_shared_registry *registry = NULL;
    unsigned gone = 0;
    unsigned flood = 0;
    assert_int_equal(facts_shared_registry_new(&registry), OK);
    assert_int_equal(source_from_memory("test", &file, 1, &source, NULL), OK);
    assert_int_equal(policy_prepare(source, &program, NULL), OK);
    source_unref(source);
    const struct policy_options options = {.shared = registry};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(policy_new(program, &options, &workers[i].policy, NULL), OK);
    policy_program_unref(program);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, decide_often, &workers[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        gone += workers[i].gone;
        flood += workers[i].flood;
        policy_free(workers[i].policy);
    }
    assert_int_equal(gone, 5000);
    assert_int_equal(flood, THREADS * DECISIONS - 5000);
    facts_shared_registry_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(workers_share_a_version)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
