/* Ends its process in destroy() once it has made a film, as if every process were a worker. */
#define ON_DESTROY                                                                                 \
    if (ran > 0) exit(0)
#include "good.h"
