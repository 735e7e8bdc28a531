/* Submits although it may not, and says nothing of it. */
#include "post.h"
#define INTENDS (MAY_SUBMIT ? post() : (post(), 0))
#include "good.h"
