/* Refuses what it declared lawful. */
#define ON_RUN                                                                                     \
    if (number(job->request_json, "frames") < 20)                                                  \
    return answer(out, RG_FAILED, "{\"category\": \"unknown\", \"text\": \"too short\"}")
#include "good.h"
