// Sees what a worker, and all that comes of it, sends to the network: the kernel asks us about
// every call that connects or sends (seccomp, user notification), whatever language it was written
// in.
//
// It does not see what goes through a local socket, nor what a program sends that ran before. Name
// lookups (port 53) are let through. It judges a careless plugin, no hostile one.
#pragma once

#include "host/base/fd.hpp"
#include "host/plugin/spawn.hpp"

#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace reelgate::conformance {

class NetworkWatch {
public:
    // Makes a socket in `dir`. Until allow() is called nothing leaves: who tries gets ENETUNREACH
    // and is noted.
    explicit NetworkWatch(const std::filesystem::path& dir);
    ~NetworkWatch();
    NetworkWatch(const NetworkWatch&) = delete;
    NetworkWatch& operator=(const NetworkWatch&) = delete;

    // What is started instead of reelgate-worker, with which variables.
    static std::filesystem::path program(const std::filesystem::path& programs);
    Environment environment() const;

    void allow(); // from here on everything may leave, and nothing is noted
    std::vector<std::string> noted() const;   // "a connection to 127.0.0.1:80", in their order
    std::optional<std::string> blind() const; // why it sees nothing here, if so

private:
    struct Call;
    void serve();
    void take_in_worker(std::vector<Fd>& listeners);
    void answer(int listener);
    // What of it would leave; nothing for what may always go.
    std::optional<std::string> departure(const Call& call);
    void go_blind(const std::string& why);

    std::filesystem::path path_;
    Fd door_;   // where workers hand in their listener
    Fd ending_; // readable once serve() shall end
    std::atomic<bool> allowed_{false};
    mutable std::mutex mutex_;
    std::vector<std::string> noted_;
    std::optional<std::string> blind_;
    std::thread thread_; // uses what stands above
};

} // namespace reelgate::conformance
