// What a plugin says about itself, its health and its failures. What was accepted must be usable: a
// request that leaves everything open is lawful for every model, and money never looks cheaper.
#include "host/model/request.hpp"
#include "host/plugin/description.hpp"
#include "host/plugin/failure_record.hpp"

#include <cstdint>
#include <cstdlib>

namespace {

using namespace reelgate;

void use(const ModelCapability& model)
{
    const auto open = normalise({.task = model.tasks.front()}, model, Adjust::reject, 1);
    if (!open && open.error().code != "input_unsupported") std::abort();
    if (!model.sizes.allows(model.sizes.smallest())) std::abort();
    if (!model.sizes.allows(model.sizes.largest())) std::abort();
    if (!model.sizes.allows(model.sizes.nearest({1919, 1079}))) std::abort();
    if (!model.frames.allows(model.frames.nearest(100))) std::abort();
}

void fail(rg_status status, std::string_view record)
{
    const Error error = error_from(status, record, Phase::run);
    if (error.text.empty()) std::abort();
    if (status == RG_AMBIGUOUS && billing_of(error, Charge::paid) < Billing::maybe_billed)
        std::abort();
    const Error again = error_from(status, record_from(error), Phase::run);
    if (again.category != error.category) std::abort();
    for (const Charge charge : {Charge::free, Charge::paid})
        if (billing_of(again, charge) < billing_of(error, charge)) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string text(data, data + size);
    if (const auto description = parse_description(text))
        for (const ModelCapability& model : description->models)
            use(model);
    if (const auto probe = parse_probe(text); probe && probe->models)
        for (const ModelCapability& model : *probe->models)
            use(model);
    for (rg_status status = RG_BUSY; status <= RG_CANCELLED; ++status)
        fail(status, text);
    return 0;
}
