/* A paid provider whose submit is a real POST, to the port of this machine that a setting names. */
#ifndef REELGATE_BROKEN_POST_H
#define REELGATE_BROKEN_POST_H

#define BILLING "paid"
#define EGRESS "cloud"
#define CONFIG "\"port\": {\"type\": \"integer\"}"
#define ON_CREATE                                                                                  \
    if ((port = number(config, "port")) == 0) port = 9

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static long port = 0;

/* Sends it and waits for the end of the answer; is it the one wanted? */
static int post(void)
{
    const int wire = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in there = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)port),
                                      .sin_addr = {htonl(INADDR_LOOPBACK)}};
    static const char kRequest[] = "POST /create HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
                                   "Content-Length: 0\r\n\r\n";
    char answer[512] = "";
    int good = connect(wire, (const struct sockaddr*)&there, sizeof there) == 0 &&
               write(wire, kRequest, sizeof kRequest - 1) > 0 && read(wire, answer, 12) == 12 &&
               answer[9] == '2';
    while (good && read(wire, answer, sizeof answer) > 0) {
    }
    close(wire);
    return good;
}

#define MAY_SUBMIT (job->intend(job->self, text_bytes("{\"what\": \"a film\"}")) == RG_OK)

#endif
