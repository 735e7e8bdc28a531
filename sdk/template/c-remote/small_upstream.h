/* The service, as far as tests need it: on a port of its own, with answers that a test writes down. */
#ifndef SMALL_UPSTREAM_H
#define SMALL_UPSTREAM_H

#include "small_host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct scripted {
    const char* call; /* "GET /v1/videos/v-1" */
    int status;       /* 0: the connection is dropped */
    const char* body;
    int times;        /* after so many the next row of that call answers; 0: always this one */
} scripted;

typedef struct upstream {
    int listener;
    char url[64];
    pthread_t thread;
    scripted script[16]; /* to be written before the first call */
    char calls[2048];    /* to be read after the last one: a line for each */
    char first[8192];    /* the whole text of the first request */
} upstream;

static inline void small_read_request(int client, char* text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    while (used + 1 < size) {
        const char* end = strstr(text, "\r\n\r\n");
        const char* length = strstr(text, "Content-Length: ");
        const size_t body = end && length && length < end ? strtoul(length + 16, NULL, 10) : 0;
        if (end && used >= (size_t)(end - text) + 4 + body) return;
        const ssize_t got = recv(client, text + used, size - used - 1, 0);
        if (got <= 0) return;
        used += (size_t)got;
        text[used] = '\0';
    }
}

static inline scripted small_next_answer(upstream* u, const char* call)
{
    const scripted none = {call, 404, "{}", 0};
    for (scripted* row = u->script; row->call; ++row) {
        if (strcmp(row->call, call) != 0) continue;
        const scripted found = *row;
        if (row->times > 0 && --row->times == 0) row->call = "used up";
        return found;
    }
    return none;
}

static inline void* small_serve(void* self)
{
    upstream* u = self;
    char text[8192], head[256];
    while (1) {
        const int client = accept(u->listener, NULL, NULL);
        if (client < 0) return NULL;
        small_read_request(client, text, sizeof text);
        if (!u->first[0]) memcpy(u->first, text, sizeof text);
        char* end = strstr(text, " HTTP/");
        if (end) *end = '\0';
        small_append(u->calls, sizeof u->calls, text, strlen(text));
        small_append(u->calls, sizeof u->calls, "\n", 1);
        const scripted answer = small_next_answer(u, text);
        const int size = snprintf(head,
                                  sizeof head,
                                  "HTTP/1.1 %d X\r\nRetry-After: 7\r\nConnection: close\r\n"
                                  "Content-Length: %zu\r\n\r\n",
                                  answer.status,
                                  answer.status ? strlen(answer.body) : 0);
        if (answer.status) {
            send(client, head, (size_t)size, MSG_NOSIGNAL);
            send(client, answer.body, strlen(answer.body), MSG_NOSIGNAL);
        }
        close(client);
    }
}

static inline void small_start(upstream* u, const scripted* script, size_t rows)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    memset(u, 0, sizeof *u);
    CHECK(rows < sizeof u->script / sizeof *u->script);
    memcpy(u->script, script, rows * sizeof *script);
    u->listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(u->listener, (struct sockaddr*)&address, size) == 0);
    CHECK(listen(u->listener, 16) == 0);
    CHECK(getsockname(u->listener, (struct sockaddr*)&address, &size) == 0);
    snprintf(u->url, sizeof u->url, "http://127.0.0.1:%u/v1", (unsigned)ntohs(address.sin_port));
    CHECK(pthread_create(&u->thread, NULL, small_serve, u) == 0);
}

/* From then on nobody answers at the address, and `calls` may be read. */
static inline void small_stop(upstream* u)
{
    shutdown(u->listener, SHUT_RDWR);
    pthread_join(u->thread, NULL);
    close(u->listener);
}

#endif
