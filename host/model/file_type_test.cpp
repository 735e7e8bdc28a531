#include "host/model/file_type.hpp"

#include <gtest/gtest.h>

namespace reelgate {
namespace {

TEST(FileType, HasAnExtensionAndBack)
{
    for (const char* type : {"video/mp4",
                             "video/webm",
                             "image/jpeg",
                             "image/png",
                             "image/webp",
                             "image/gif",
                             "image/bmp",
                             "application/json"})
        EXPECT_EQ(type_of_extension(extension_of(type)), type);
    EXPECT_EQ(extension_of("image/jpeg"), ".jpg");
    EXPECT_EQ(type_of_extension(".jpeg"), "image/jpeg");
}

TEST(FileType, ThatIsUnknownIsBytes)
{
    for (const char* type : {"", "video", "video/x", "IMAGE/PNG"})
        EXPECT_EQ(extension_of(type), ".bin") << type;
    for (const char* extension : {"", ".", "png", ".bin"})
        EXPECT_EQ(type_of_extension(extension), "application/octet-stream") << extension;
}

} // namespace
} // namespace reelgate
