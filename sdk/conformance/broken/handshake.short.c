/* Calls what an older host does not have. */
#define TRUSTS_THE_SIZE
#include "good.h"
