/* SPDX-License-Identifier: Apache-2.0 */
/* echo PORT: the least that answering requests over TCP takes.  One epoll loop that sends each message back with another first line,
 * without looking at it.  What it costs with ten thousand connections more than with ten is the kernel's. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 1024, ROOM = 65536, FILES = 20000 };

static void accept_all(int epoll, int listener)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static void answer(int fd)
{
    static const char line[] = "SIP/2.0 200 OK\r\n";
    static char in[ROOM + sizeof(line)];
    char *text = in + sizeof(line);
    ssize_t got = recv(fd, text, ROOM, 0);
    char *end = got > 0 ? memchr(text, '\n', (size_t)got) : NULL;
    if (!end) {
        if (got == 0)
            close(fd);
        return;
    }
    char *begin = end + 1 - (sizeof(line) - 1);
    memcpy(begin, line, sizeof(line) - 1);
    if (send(fd, begin, (size_t)(text + got - begin), MSG_NOSIGNAL) < 0)
        close(fd);
}

int main(int argc, char **argv)
{
    struct rlimit files = {FILES, FILES};
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), epoll = epoll_create1(0), on = 1;
    static struct epoll_event events[EVENTS];
    here.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
    (void)setrlimit(RLIMIT_NOFILE, &files);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (struct sockaddr *)&here, sizeof(here)) != 0 || listen(listener, 1024) != 0) {
        perror("echo");
        return 1;
    }
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++)
            if (events[i].data.fd == listener)
                accept_all(epoll, listener);
            else
                answer(events[i].data.fd);
    }
}
