/* Does not come back from destroy() once it has made a film. */
#define ON_DESTROY                                                                                 \
    if (ran > 0) hang()
#include "good.h"
