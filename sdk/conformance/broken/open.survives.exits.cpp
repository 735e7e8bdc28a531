// Ends its process when it is loaded and does not like what it finds.
#include "good.h"

namespace {
const int loaded = (std::exit(3), 0);
} // namespace
