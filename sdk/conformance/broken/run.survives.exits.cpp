// Takes a failed run for the end of its program.
#define ON_RUN std::exit(1)
#include <cstdlib>

#include "good.h"
