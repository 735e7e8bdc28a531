// Lets an exception out of a function of the C table.
#include <stdexcept>

#define ON_RUN throw std::runtime_error("the device is lost")
#include "good.h"
