/* Declares sizes that it cannot make. */
#define ON_RUN                                                                                     \
    if (number(job->request_json, "width") >= 200)                                                 \
    return answer(out, RG_FAILED, "{\"category\": \"unknown\", \"text\": \"too wide\"}")
#include "good.h"
