// Names of processor families, as manifests, ELF headers and people write them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace reelgate {

struct Machine {
    std::uint16_t elf;         // e_machine
    std::string_view manifest; // as `uname -m` has it
    std::string_view spoken;   // in sentences
};

// clang-format off
inline constexpr std::array kMachines{
    Machine{62,  "x86_64",      "x86-64"},
    Machine{183, "aarch64",     "aarch64"},
    Machine{243, "riscv64",     "riscv64"},
    Machine{3,   "i386",        "i386"},
    Machine{40,  "arm",         "arm"},
    Machine{21,  "ppc64le",     "ppc64"},
    Machine{22,  "s390x",       "s390x"},
    Machine{258, "loongarch64", "loongarch64"},
};
// clang-format on

#if defined(__x86_64__)
inline constexpr const Machine& kThisMachine = kMachines[0];
#elif defined(__aarch64__)
inline constexpr const Machine& kThisMachine = kMachines[1];
#elif defined(__riscv)
inline constexpr const Machine& kThisMachine = kMachines[2];
#else
#error "add this machine to kMachines"
#endif

constexpr const Machine* machine_of_elf(std::uint16_t e_machine)
{
    for (const Machine& machine : kMachines)
        if (machine.elf == e_machine) return &machine;
    return nullptr;
}

constexpr const Machine* machine_named(std::string_view name)
{
    for (const Machine& machine : kMachines)
        if (machine.manifest == name) return &machine;
    return nullptr;
}

} // namespace reelgate
