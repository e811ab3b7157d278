/* SPDX-License-Identifier: Apache-2.0 */
#include "support_registrar.h"
#include "store/store_file.h"
#include <stdlib.h>

/* On the store thread. */
static void on_written(void *ctx, unsigned worker, struct registrar_batch *batch)
{
    struct bench *bench = ctx;
    (void)worker;
    pthread_mutex_lock(&bench->lock);
    uint64_t now = clock_thread_cpu_ns();
    if (bench->cpu_ns && now - bench->cpu_ns > bench->cpu_ns_max)
        bench->cpu_ns_max = now - bench->cpu_ns;
    bench->cpu_ns = now;
    bench->written[bench->written_count++] = batch;
    pthread_cond_signal(&bench->came);
    pthread_mutex_unlock(&bench->lock);
}

static void note(struct bench *bench, char letter)
{
    size_t len = strlen(bench->order);
    if (len + 1 < sizeof(bench->order))
        bench->order[len] = letter;
}

static void on_kept(void *ctx, struct txn *txn, enum err err, struct span answer)
{
    struct bench *bench = ctx;
    bench->last_err = err;
    if (err == OK) {
        bench->kept++;
        assert_int_equal(txn_reply(txn, 200, answer), OK);
    } else {
        bench->failed++;
        assert_int_equal(txn_reply(txn, 503, SPAN("SIP/2.0 503 Service Unavailable\r\n\r\n")), OK);
    }
    note(bench, err == OK ? 'k' : 'f');
}

static enum err plan_and_commit(struct bench *bench, struct txn *txn, const struct sip_message *request,
                                const struct registrar_name *name)
{
    struct registrar_plan plan;
    struct buffer answer = buffer_over(bench->answer, sizeof(bench->answer) - 1);
    struct registrar_question question = {.request = request, .flow = txn_flow(txn), .name = *name};
    registrar_plan(bench->registrar, &question, &plan);
    if (plan.waits) {
        assert_int_equal(registrar_wait(bench->registrar, &plan, txn, request, SPAN("X: y\r\n")), OK);
        return ERR_BUSY;
    }
    buffer_addf(&answer, "SIP/2.0 %u %s\r\n", plan.code, plan.reason);
    registrar_add_bindings(bench->registrar, &plan, request, &answer);
    assert_false(answer.overflow);
    answer.at[answer.len] = '\0';
    if (plan.changes)
        return registrar_commit(bench->registrar, &plan, txn, request, buffer_span(&answer));
    assert_int_equal(txn_reply(txn, plan.code, buffer_span(&answer)), OK);
    return OK;
}

static struct registrar_name name_of(const struct sip_message *request)
{
    static char text[256];
    struct span uri = request->to.uri.text;
    assert_true(span_copy(span_slice(uri, 4, uri.len), text, sizeof(text)));
    /* A number's owner is the number. */
    return (struct registrar_name){span_of(text), text[0] == '+' ? span_make(text, strcspn(text, "@")) : span_of(text)};
}

static void on_ready(void *ctx, struct txn *txn, struct span extra)
{
    struct bench *bench = ctx;
    static struct sip_message message;
    struct sip_problem problem;
    assert_true(span_equal(extra, SPAN("X: y\r\n")));
    assert_int_equal(sip_message_parse(&message, txn_request(txn), SIP_DATAGRAM, &problem), OK);
    struct registrar_name name = name_of(&message);
    bench->ready++;
    note(bench, 'r');
    enum err err = plan_and_commit(bench, txn, &message, &name);
    assert_true(err == OK || err == ERR_AGAIN);
}

static void on_end(void *ctx, struct txn *txn)
{
    (void)ctx;
    registrar_forget(txn);
}

int bench_setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    const char *base = getenv("TMPDIR");
    snprintf(bench->folder, sizeof(bench->folder), "%.40s/registrar-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(bench->folder))
        return -1;
    snprintf(bench->path, sizeof(bench->path), "%s/bindings", bench->folder);
    pthread_mutex_init(&bench->lock, NULL);
    pthread_cond_init(&bench->came, NULL);
    fake_clock_init(&bench->fake, NULL);
    bench->wire.clock = &bench->fake.clock;
    struct txn_options options = {.clock = &bench->fake.clock,
                                  .wheel = &bench->fake.wheel,
                                  .wire = {&bench->wire, fake_wire_send},
                                  .key = {1, 2},
                                  .seed = 1,
                                  .handlers = {.ctx = bench, .on_end = on_end}};
    if (txn_table_new(&options, &bench->txns) != OK)
        return -1;
    *state = bench;
    return 0;
}

int bench_teardown(void **state)
{
    struct bench *bench = *state;
    bench_close(bench);
    txn_table_free(bench->txns);
    fake_wire_done(&bench->wire);
    enum err err = store_remove_folder(bench->folder);
    free(bench);
    return err == OK ? 0 : -1;
}

void bench_open(struct bench *bench)
{
    struct fault fault = {0};
    bench->options.workers = 1;
    bench->options.written = on_written;
    bench->options.ctx = bench;
    if (registrar_journal_open(bench->path, &bench->options, &bench->journal, &fault) != OK)
        fail_msg("%s", fault.text);
    struct registrar_options options = {.clock = &bench->fake.clock,
                                        .wheel = &bench->fake.wheel,
                                        .slab = txn_table_slab(bench->txns),
                                        .journal = bench->journal,
                                        .key = {3, 4},
                                        .handlers = {.ctx = bench, .on_kept = on_kept, .on_ready = on_ready}};
    assert_int_equal(registrar_new(&options, &bench->registrar), OK);
    assert_int_equal(registrar_load(bench->registrar, NULL, NULL), OK);
}

void bench_close(struct bench *bench)
{
    if (bench->registrar)
        registrar_stop(bench->registrar);
    registrar_journal_close(bench->journal);
    registrar_free(bench->registrar); /* with what was on its way */
    bench->journal = NULL;
    bench->registrar = NULL;
    bench->written_count = 0;
    bench->cpu_ns = 0;
}

enum err bench_register(struct bench *bench, const char *aor, const char *contact, const char *call_id, unsigned cseq)
{
    static unsigned count;
    char branch[32], extra[1024], tag[16];
    snprintf(branch, sizeof(branch), "z9hG4bK-%u", ++count);
    snprintf(tag, sizeof(tag), "t%u", count);
    snprintf(extra, sizeof(extra), "%s%s%s", contact ? "Contact: " : "", contact ? contact : "", contact ? "\r\n" : "");
    struct sip_ask ask = {.method = "REGISTER",
                          .uri = "sip:example.com",
                          .to = aor,
                          .branch = branch,
                          .from_tag = tag,
                          .call_id = call_id,
                          .cseq = cseq,
                          .contact = "-",
                          .extra = extra};
    const struct sip_message *request = sip_ask(&bench->asked, ask);
    struct net_flow flow = bench->flow;
    struct txn *txn;
    assert_int_equal(txn_receive(bench->txns, request, &flow).class, TXN_NEW);
    assert_int_equal(txn_server_new(bench->txns, request, &flow, &txn), OK);
    struct registrar_name name = name_of(request);
    return plan_and_commit(bench, txn, request, &name);
}

void bench_take(struct bench *bench)
{
    pthread_mutex_lock(&bench->lock);
    while (!bench->written_count)
        pthread_cond_wait(&bench->came, &bench->lock);
    struct registrar_batch *batch = bench->written[--bench->written_count];
    pthread_mutex_unlock(&bench->lock);
    registrar_batch_done(bench->registrar, batch);
}

void bench_commit(struct bench *bench)
{
    struct registrar *registrar = bench->registrar;
    for (registrar_flush(registrar); registrar->batch || registrar->flying; registrar_flush(registrar)) {
        if (registrar->flying)
            bench_take(bench);
        else
            fake_clock_pass(&bench->fake, 1); /* it waits for company */
    }
}

static bool see(void *ctx, const struct registrar_view *view)
{
    struct buffer *out = ctx;
    if (out->len)
        buffer_add_byte(out, '|');
    buffer_add_span(out, view->uri);
    buffer_add_span(out, view->params);
    return true;
}

const char *bench_bindings(struct bench *bench, const char *aor)
{
    static char text[BENCH_TEXT];
    struct buffer out = buffer_over(text, sizeof(text) - 1);
    struct registrar_name name = {span_of(aor), *aor == '+' ? span_make(aor, strcspn(aor, "@")) : span_of(aor)};
    registrar_see(bench->registrar, &name, see, &out);
    text[out.len] = '\0';
    return text;
}
