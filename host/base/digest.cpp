#include "host/base/digest.hpp"

#include "host/base/fd.hpp"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <memory>
#include <vector>

namespace reelgate {
namespace {

struct FreeDigest {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

DigestContext new_sha256()
{
    DigestContext context(EVP_MD_CTX_new());
    EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
    return context;
}

std::string finish_hex(EVP_MD_CTX* context)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    EVP_DigestFinal_ex(context, bytes.data(), &size);

    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    hex.reserve(std::size_t{size} * 2);
    for (unsigned i = 0; i < size; ++i) {
        hex += kDigits[bytes[i] >> 4U];
        hex += kDigits[bytes[i] & 15U];
    }
    return hex;
}

} // namespace

std::string sha256_hex(std::string_view bytes)
{
    const DigestContext context = new_sha256();
    EVP_DigestUpdate(context.get(), bytes.data(), bytes.size());
    return finish_hex(context.get());
}

Result<std::string> sha256_file(const std::filesystem::path& file)
{
    const Fd in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!in) return system_error(Category::not_found, "reading " + file.string(), errno);
    return sha256_fd(in.get(), std::numeric_limits<std::uint64_t>::max(), file.native());
}

Result<std::string> sha256_fd(int fd, std::uint64_t bytes, std::string_view name)
{
    const DigestContext context = new_sha256();
    std::vector<char> block(1 << 18); // past 256 KiB a larger block hashes no faster
    while (bytes > 0) {
        const std::size_t wanted = std::min<std::uint64_t>(block.size(), bytes);
        const ssize_t got = ::read(fd, block.data(), wanted);
        if (got == 0) break;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error(Category::internal, "reading " + std::string(name), errno);
        EVP_DigestUpdate(context.get(), block.data(), static_cast<std::size_t>(got));
        bytes -= static_cast<std::uint64_t>(got);
    }
    return finish_hex(context.get());
}

Result<bool>
ed25519_verifies(std::string_view public_key, std::string_view message, std::string_view signature)
{
    const std::unique_ptr<BIO, decltype(&BIO_free)> pem(
        BIO_new_mem_buf(public_key.data(), static_cast<int>(public_key.size())), &BIO_free);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        PEM_read_bio_PUBKEY(pem.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
    if (!key || EVP_PKEY_base_id(key.get()) != EVP_PKEY_ED25519)
        return invalid("not an Ed25519 public key in PEM form", "bad_key");

    const DigestContext context(EVP_MD_CTX_new());
    if (EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1)
        return internal_error("OpenSSL refused to start an Ed25519 verification");
    const auto* sig = reinterpret_cast<const unsigned char*>(signature.data());
    const auto* text = reinterpret_cast<const unsigned char*>(message.data());
    return EVP_DigestVerify(context.get(), sig, signature.size(), text, message.size()) == 1;
}

} // namespace reelgate
