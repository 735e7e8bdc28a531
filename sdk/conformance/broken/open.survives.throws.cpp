// Throws in a static initialiser: nobody can catch that.
#include "good.h"

#include <stdexcept>

namespace {
int weights() { throw std::runtime_error("there are no weights"); }
const int loaded = weights();
} // namespace
