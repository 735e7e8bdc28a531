// A file to start from: every setting, with what it means, what it may be and what holds where it
// is left out. Written as it is, it means the same as what is built in.
#pragma once

#include <string>

namespace reelgate {

std::string example_config();

// One line for each setting, grouped as in the file, as Markdown tables: docs/CONFIG.md holds it.
std::string settings_reference();

} // namespace reelgate
