/* The other side's HTTP, over libcurl: one call is one request, and never sent twice. */
#ifndef SERVICE_H
#define SERVICE_H

#include <reelgate/abi/host.h>

#include <stddef.h>
#include <stdio.h>

typedef struct service {
    char url[1024];
    char api_key[1024]; /* never log it */
} service;

typedef struct call {
    const char* method;
    const char* path;            /* below the url */
    rg_bytes body;               /* JSON, or empty */
    const char* idempotency_key; /* or NULL */
    const rg_job* job;           /* its cancel ends the call; NULL: nothing does */
    FILE* file;                  /* takes the body of a 200, and progress is told; or NULL */
} call;

typedef struct reply {
    int status;          /* of HTTP; 0: there was no whole answer */
    int left;            /* may any byte of the request have reached the other side? */
    int retry_after_s;   /* -1: not said */
    char error[256];     /* why there is no answer */
    size_t size;
    char body[64 * 1024]; /* of an answer that did not go to `file`; what is longer is cut */
} reply;

/* Once, before the first call. */
void service_start(void);
void service_call(const service* s, const call* what, reply* r);

int is_cancelled(const rg_job* job);

/* Finding a member is enough for the flat objects that are read here; inside a text its name would have
 * its quotes escaped and is not found. */
int text_in(rg_bytes json, const char* member, char* to, size_t size); /* 0: no such text, or too long */
double number_in(rg_bytes json, const char* member, double otherwise);
int flag_in(rg_bytes json, const char* member, int otherwise);

#endif
