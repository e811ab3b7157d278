/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/replay_capture.h"
#include "replay/replay_fragments.h"
#include "replay/replay_packet.h"
#include "replay/replay_streams.h"

#include <pcap/pcap.h>
#include <stdlib.h>

struct replay_capture {
    pcap_t *pcap;
    int link_type;
    replay_message_fn message;
    void *ctx;
    struct replay_fragments *fragments;
    struct replay_streams *streams;
    struct replay_capture_counters counters;
};

static void on_stream_message(void *ctx, const struct replay_message *message)
{
    struct replay_capture *self = ctx;
    self->counters.messages++;
    self->message(self->ctx, message);
}

static enum err open_file(struct replay_capture *self, FILE *file, const char *path, const char *filter,
                          struct fault *fault)
{
    char text[PCAP_ERRBUF_SIZE] = "";
    self->pcap = pcap_fopen_offline(file, text);
    if (!self->pcap)
        (void)fclose(file);
    if (!self->pcap)
        return fault_set(fault, ERR_IO, path, 0, "%s", text);
    self->link_type = pcap_datalink(self->pcap);
    if (!replay_link_is_known(self->link_type)) {
        const char *name = pcap_datalink_val_to_name(self->link_type);
        return fault_set(fault, ERR_UNSUPPORTED, path, 0,
                         "captured on a link of type %s (%d); Ethernet, Linux cooked, loopback and raw IP are known",
                         name ? name : "unknown", self->link_type);
    }
    struct bpf_program program;
    if (!filter)
        return OK;
    if (pcap_compile(self->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
        return fault_set(fault, ERR_INVALID, NULL, 0, "--filter %s: %s", filter, pcap_geterr(self->pcap));
    bool is_set = pcap_setfilter(self->pcap, &program) == 0;
    pcap_freecode(&program);
    return is_set ? OK : fault_set(fault, ERR_INVALID, NULL, 0, "--filter %s: %s", filter, pcap_geterr(self->pcap));
}

enum err replay_capture_open(FILE *file, const char *path, const char *filter, replay_message_fn message, void *ctx,
                             struct replay_capture **out_capture, struct fault *fault)
{
    struct replay_capture *self = calloc(1, sizeof(*self));
    if (!self) {
        (void)fclose(file);
        return fault_set(fault, ERR_NOMEM, path, 0, "out of memory");
    }
    self->message = message;
    self->ctx = ctx;
    enum err err = open_file(self, file, path, filter, fault);
    if (err == OK && (replay_fragments_new(&self->fragments) != OK ||
                      replay_streams_new(on_stream_message, self, &self->streams) != OK))
        err = fault_set(fault, ERR_NOMEM, path, 0, "out of memory");
    if (err == OK)
        *out_capture = self;
    else
        replay_capture_close(self);
    return err;
}

void replay_capture_close(struct replay_capture *self)
{
    if (!self)
        return;
    replay_streams_free(self->streams);
    replay_fragments_free(self->fragments);
    if (self->pcap)
        pcap_close(self->pcap);
    free(self);
}

static void take_datagram(struct replay_capture *self, int64_t wall_ms, struct replay_packet *packet)
{
    if (!replay_udp_read(packet)) {
        self->counters.damaged++;
        return;
    }
    if (replay_is_sip(packet->payload) != REPLAY_IS_SIP) {
        self->counters.other++;
        return;
    }
    const struct replay_message message = {
        .bytes = packet->payload,
        .flow = {.remote = packet->from, .local = packet->to, .transport = NET_UDP},
        .wall_ms = wall_ms,
    };
    self->counters.messages++;
    self->message(self->ctx, &message);
}

static void take_packet(struct replay_capture *self, int64_t wall_ms, struct replay_packet *packet)
{
    struct replay_segment segment;
    if (packet->protocol == REPLAY_PROTOCOL_UDP)
        take_datagram(self, wall_ms, packet);
    else if (packet->protocol != REPLAY_PROTOCOL_TCP)
        self->counters.other++;
    else if (replay_tcp_read(packet, &segment))
        replay_streams_add(self->streams, wall_ms, packet, &segment);
    else
        self->counters.damaged++;
}

static void take_frame(struct replay_capture *self, const struct pcap_pkthdr *header, const unsigned char *bytes)
{
    struct replay_packet packet;
    int64_t wall_ms = (int64_t)header->ts.tv_sec * 1000 + header->ts.tv_usec / 1000;
    self->counters.packets++;
    switch (replay_packet_read(self->link_type, span_make((const char *)bytes, header->caplen), &packet)) {
    case REPLAY_PACKET_WHOLE:
        take_packet(self, wall_ms, &packet);
        return;
    case REPLAY_PACKET_FRAGMENT:
        if (replay_fragments_add(self->fragments, wall_ms, &packet))
            take_packet(self, wall_ms, &packet);
        return;
    case REPLAY_PACKET_OTHER:
        self->counters.other++;
        return;
    case REPLAY_PACKET_DAMAGED:
        self->counters.damaged++;
        return;
    }
}

bool replay_capture_read(struct replay_capture *self, unsigned packets, const char **out_damage)
{
    struct pcap_pkthdr *header;
    const unsigned char *bytes;
    *out_damage = NULL;
    while (packets--) {
        int got = pcap_next_ex(self->pcap, &header, &bytes);
        if (got == 1) {
            take_frame(self, header, bytes);
            continue;
        }
        if (got != PCAP_ERROR_BREAK) /* which is a file's ordinary end */
            *out_damage = pcap_geterr(self->pcap);
        replay_streams_end(self->streams);
        return false;
    }
    return true;
}

struct replay_capture_counters replay_capture_counters(const struct replay_capture *self)
{
    struct replay_capture_counters counters = self->counters;
    const struct replay_streams_counters *streams = replay_streams_counters(self->streams);
    counters.gaps = streams->gaps;
    counters.unframed = streams->unframed;
    counters.foreign = streams->foreign;
    counters.tls = streams->tls;
    counters.websocket = streams->websocket;
    counters.foreign_packets = streams->other;
    counters.headless = streams->headless;
    counters.incomplete = replay_fragments_incomplete(self->fragments);
    return counters;
}
