/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tls_priv.h"

#include "net/net_layer.h"

static int on_write(BIO *bio, const char *bytes, size_t len, size_t *out_written)
{
    const struct tls_pipe *pipe = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (net_layer_down(pipe->layer, span_make(bytes, len)) != OK)
        return 0; /* the connection is closed, or will be */
    *out_written = len;
    return 1;
}

static int on_read(BIO *bio, char *out, size_t cap, size_t *out_read)
{
    struct tls_pipe *pipe = BIO_get_data(bio);
    size_t len = pipe->incoming.len < cap ? pipe->incoming.len : cap;
    BIO_clear_retry_flags(bio);
    if (len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(out, pipe->incoming.at, len);
    pipe->incoming = span_slice(pipe->incoming, len, pipe->incoming.len);
    *out_read = len;
    return 1;
}

static long on_control(BIO *bio, int command, long number, void *arg)
{
    (void)bio;
    (void)number;
    (void)arg;
    return command == BIO_CTRL_FLUSH; /* output leaves at the end of the turn */
}

BIO_METHOD *tls_bio_method(void)
{
    int type = BIO_get_new_index();
    BIO_METHOD *method = type < 0 ? NULL : BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "verdict layer");
    if (!method)
        return NULL;
    if (BIO_meth_set_write_ex(method, on_write) != 1 || BIO_meth_set_read_ex(method, on_read) != 1 ||
        BIO_meth_set_ctrl(method, on_control) != 1) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

BIO *tls_bio_new(const BIO_METHOD *method, struct tls_pipe *pipe)
{
    BIO *bio = BIO_new(method);
    if (!bio)
        return NULL;
    BIO_set_data(bio, pipe);
    BIO_set_init(bio, 1);
    return bio;
}
