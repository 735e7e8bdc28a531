#include "host/plugin/worker_jail.hpp"

#include "host/jail/landlock.hpp"
#include "host/jail/privileges.hpp"
#include "host/jail/seccomp.hpp"
#include "host/plugin/jail_paths.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace reelgate {
namespace {

JailMeasure measured(std::string what, bool applied, std::string detail)
{
    if (!applied) detail += ": " + std::error_code(errno, std::generic_category()).message();
    return {.what = std::move(what), .applied = applied, .detail = std::move(detail)};
}

JailMeasure limit(std::string what, int resource, rlim_t value, std::string detail)
{
    const rlimit bound{.rlim_cur = value, .rlim_max = value};
    const bool applied = ::setrlimit(static_cast<__rlimit_resource>(resource), &bound) == 0;
    return measured(std::move(what), applied, std::move(detail));
}

JailMeasure few_cores(unsigned cores)
{
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    cpu_set_t now;
    if (::sched_getaffinity(0, sizeof now, &now) != 0)
        return measured("cores", false, "at most " + std::to_string(cores));
    unsigned taken = 0;
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE && taken < cores; ++cpu)
        if (CPU_ISSET(cpu, &now)) CPU_SET(cpu, &allowed), ++taken;
    return measured("cores",
                    ::sched_setaffinity(0, sizeof allowed, &allowed) == 0,
                    "at most " + std::to_string(cores));
}

// Memory without bound hides in anonymous maps of a sanitizer's shadow, which count as data.
JailMeasure little_memory(std::uint64_t mebi)
{
    if (kSanitized) return {"memory", false, "off: a sanitizer reserves more than that"};
    return limit("memory", RLIMIT_DATA, mebi << 20U, std::to_string(mebi) + " MiB of data");
}

std::string variable(const char* name)
{
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): no thread exists yet
    return value == nullptr ? std::string() : std::string(value);
}

JailMeasure few_files(const LaunchOrder& order)
{
    // Work directories are made later, and nothing can be granted then.
    if (order.jail.work_root.empty()) return {"landlock", false, "off: no work root given"};
    return restrict_files(grants_for(order, {variable("PATH"), variable("LD_LIBRARY_PATH")}));
}

} // namespace

Result<std::vector<JailMeasure>> enter_jail(const LaunchOrder& order)
{
    const JailOrder& jail = order.jail;
    std::vector<JailMeasure> measures;
    measures.push_back(limit("core_dump", RLIMIT_CORE, 0, "none"));
    if (jail.confine) {
        measures.push_back(no_new_privileges());
        measures.push_back(die_first());
        ::signal(SIGXFSZ, SIG_IGN); // a file that grows too long is a failed write, not a death
        measures.push_back(limit("open_files", RLIMIT_NOFILE, 1024, "1024"));
        measures.push_back(limit("file_size",
                                 RLIMIT_FSIZE,
                                 jail.max_file_kb * 1024,
                                 std::to_string(jail.max_file_kb) + " KiB"));
        if (jail.memory_mb) measures.push_back(little_memory(*jail.memory_mb));
        if (jail.cores) measures.push_back(few_cores(*jail.cores));
        measures.push_back(few_files(order));
        measures.push_back(no_capabilities());
        measures.push_back(refuse_dangerous_calls());
        if (!jail.allow_network) measures.push_back(refuse_network());
    }
    for (const JailMeasure& m : measures)
        if (jail.strict && !m.applied)
            return Error{.category = Category::worker_unavailable,
                         .text = "confinement '" + m.what + "' cannot be had here: " + m.detail,
                         .code = "jail_failed",
                         .hint = "run without confine: strict, or on a kernel that has it",
                         .phase = Phase::load};
    return measures;
}

} // namespace reelgate
