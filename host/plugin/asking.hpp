// Questions to a worker, as frames that wait for the frame that answers them. A question ends with
// its answer, with the worker, or when its patience runs out; an answer that comes later, or to
// nothing that was asked, is dropped. All on the loop.
#pragma once

#include "host/base/async.hpp"
#include "host/plugin/json.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace reelgate {

class Asking {
public:
    // Hands a frame to the worker, or says why there is none to take it.
    using Send = std::function<Result<Done>(const Json& frame)>;

    // `plugin` names it in sentences, `id` in hints.
    Asking(asio::any_io_executor loop, std::string plugin, std::string id, Send send);
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;

    Task<Done> ping();
    Task<std::string> probe();
    Task<std::string> abandon(const std::string& remote_json);
    // `argument_json` goes as text where it is no JSON.
    Task<std::string> call(const std::string& extension,
                           const std::string& function,
                           const std::string& name,
                           const std::string& argument_json);

    // A frame of type pong, probed, abandoned or called; false if it answers nothing that waits.
    bool answered(const std::string& type, const Json& frame);

    // The worker is gone: whoever waits hears why.
    void lose_all(const Error& why);

private:
    struct Question;

    Task<std::string> ask(std::string key, const Json& frame, std::chrono::milliseconds patience);
    Task<std::string> await_answer(std::string key,
                                   std::shared_ptr<Question> question,
                                   std::chrono::milliseconds patience);

    asio::any_io_executor loop_;
    std::string plugin_;
    std::string id_;
    Send send_;
    std::uint64_t last_number_ = 0;
    std::map<std::string, std::shared_ptr<Question>> questions_;
};

} // namespace reelgate
