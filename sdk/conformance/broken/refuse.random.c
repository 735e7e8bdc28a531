/* Believes that a number is a number. */
#define ON_RUN                                                                                     \
    const char* strength =                                                                         \
        memmem(job->request_json.data, job->request_json.size, "\"strength\":", 11);               \
    if (strength && !strchr("-0123456789", strength[11])) abort()
#include "good.h"
