/* Submits when its worker ends what it may not submit in its run. */
#include "post.h"
static int refused = 0;
#define ON_DESTROY                                                                                 \
    if (refused) post()
#define INTENDS (MAY_SUBMIT ? post() : (refused = 1, 0))
#include "good.h"
