/* Nothing is wrong with it: it intends, and then it submits over the network. */
#include "post.h"
#define INTENDS (MAY_SUBMIT && post())
#include "good.h"
