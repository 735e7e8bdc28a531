/* Has room for four thousand characters. */
#define ON_RUN                                                                                     \
    if (job->request_json.size > 8192) abort()
#include "good.h"
