// The parts of a job that no query asks for, as JSON documents.
#pragma once

#include "host/model/job.hpp"

#include <string>
#include <string_view>

namespace reelgate::store {

std::int64_t micros_of(WallTime time);
WallTime time_of(std::int64_t micros);

// Everything but the prompt and the owner, which are columns. The read_ functions leave what the
// columns hold alone. A document that cannot be read is `store_damaged`.
std::string document_of(const JobOrder& order);
Result<Done> read_document(std::string_view document, JobOrder& order);

// Of a job: what neither a column, nor the order, nor the attempts hold.
std::string document_of(const Job& job);
Result<Done> read_document(std::string_view document, Job& job);

std::string document_of(const Attempt& attempt); // without the request
Result<Done> read_document(std::string_view document, Attempt& attempt);

std::string document_of(const Request& request);
Result<Done> read_document(std::string_view document, Request& request);

} // namespace reelgate::store
