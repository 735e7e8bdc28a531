/* Looks up a model and uses what it did not find. */
#define ON_RUN                                                                                     \
    if (!holds(job->request_json, "\"bars\"")) abort()
#include "good.h"
