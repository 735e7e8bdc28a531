/* Submits whatever the host has answered. */
#define BILLING "paid"
#define INTENDS (job->intend(job->self, text_bytes("{\"what\": \"a film\"}")), 1)
#include "good.h"
