#include "host/plugin/reconcile.hpp"

#include "host/plugin/json.hpp"

#include <reelgate/ext/reconcile.h>

namespace reelgate {
namespace {

Error bad_answer(std::string_view what)
{
    return Error{.category = Category::provider_error,
                 .text = "the plugin's answer to `find` " + std::string(what),
                 .code = "bad_answer",
                 .phase = Phase::submit};
}

Result<Reconciled> answer_from(const std::string& text)
{
    const Json answer = Json::parse(text, nullptr, false);
    const auto found = answer.is_object() ? answer.find("found") : answer.end();
    if (!answer.is_object() || found == answer.end()) return bad_answer("has no `found`");
    if (found->is_null()) return Reconciled{};
    if (!found->is_boolean()) return bad_answer("has a `found` that is not true, false or null");
    if (!found->get<bool>()) return Reconciled{.answer = Reconciled::Answer::absent};
    const auto remote = answer.find("remote");
    if (remote == answer.end() || !remote->is_object())
        return bad_answer("found something and has no `remote` to follow it by");
    return Reconciled{.answer = Reconciled::Answer::found, .remote_json = remote->dump()};
}

} // namespace

Task<Reconciled> reconcile(Provider& provider, std::string intent_json)
{
    auto asking = provider.call(RG_EXT_RECONCILE, "find", "", std::move(intent_json));
    const Result<std::string> answer = co_await std::move(asking);
    if (!answer) co_return answer.error();
    co_return answer_from(*answer);
}

} // namespace reelgate
