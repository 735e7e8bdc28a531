#include "host/plugin/signature.hpp"

#include "host/base/digest.hpp"
#include "host/base/file.hpp"
#include "host/plugin/ownership.hpp"

#include <algorithm>
#include <system_error>
#include <vector>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kLongestKey = 4096;

std::vector<fs::path> key_files(const fs::path& directory)
{
    std::vector<fs::path> files;
    std::error_code failed;
    for (fs::directory_iterator file(directory, failed), end; !failed && file != end;
         file.increment(failed))
        if (file->path().extension() == ".pem") files.push_back(file->path());
    std::sort(files.begin(), files.end());
    return files;
}

} // namespace

Result<std::string> signer_of(std::string_view message,
                              const std::filesystem::path& signature_file,
                              const std::filesystem::path& trusted_keys)
{
    auto signature = read_file(signature_file, kSignatureBytes);
    if (!signature && signature.error().code == "file_missing")
        return Error{.category = Category::not_found,
                     .text = signature_file.string() + " is not there",
                     .code = "not_signed"};
    if (!signature || signature->size() != kSignatureBytes)
        return invalid(signature_file.string() + " is not a signature of 64 bytes",
                       "signature_bad");

    const std::vector<fs::path> keys = key_files(trusted_keys);
    if (keys.empty())
        return Error{.category = Category::not_found,
                     .text = trusted_keys.string() + " holds no key (*.pem)",
                     .code = "no_trusted_keys"};
    RG_CHECK(is_owned_safely(trusted_keys, owners_beside({})));
    for (const fs::path& key : keys) {
        RG_TRY(const std::string pem, read_file(key, kLongestKey));
        auto fits = ed25519_verifies(pem, message, *signature);
        if (!fits) return std::move(fits).error().while_doing(key.string());
        if (*fits) return key.stem().string();
    }
    return invalid(signature_file.string() + " fits none of the " + std::to_string(keys.size()) +
                       " keys in " + trusted_keys.string(),
                   "signature_bad");
}

} // namespace reelgate
