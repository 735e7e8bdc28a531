/* Looks for its libraries where the system keeps them. */
#include "good.h"
