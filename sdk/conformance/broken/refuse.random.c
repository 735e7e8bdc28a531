/* Believes that a number is a number. */
#define ON_RUN                                                                                     \
    if (holds(job->request_json, "\"strength\":null")) abort()
#include "good.h"
