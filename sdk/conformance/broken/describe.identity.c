/* The manifest says 1.0.0. */
#define VERSION "1.0.1"
#include "good.h"
