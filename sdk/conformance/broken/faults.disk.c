/* Never looks whether its film was written. */
#define LOST_OUTPUT 0
#include "good.h"
