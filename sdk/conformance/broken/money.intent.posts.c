/* Submits over the network, and then says all that is to be said, in its order. */
#include "post.h"
#define INTENDS (post(), MAY_SUBMIT)
#include "good.h"
