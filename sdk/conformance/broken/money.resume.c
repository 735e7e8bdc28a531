/* Submits what has been submitted. */
#define BILLING "paid"
#define ON_RESUME job->intend(job->self, text_bytes("{\"what\": \"a film\"}"))
#include "good.h"
