#include <reelgate/http/url.hpp>

#include <reelgate/http/headers.hpp>

#include <gmock/gmock.h>

namespace reelgate::http {
namespace {

TEST(HeadersOf, AnAnswerAreFoundWithoutCase)
{
    Headers headers{
        {"Content-Type", "video/mp4"},
        {"X-A",          "1"        },
        {"x-a",          "2"        }
    };
    EXPECT_EQ(headers.get("content-type"), "video/mp4");
    EXPECT_EQ(headers.get("X-a"), "1");
    EXPECT_EQ(headers.find("absent"), nullptr);
    headers.set("X-A", "3");
    EXPECT_EQ(headers.size(), 2U);
    EXPECT_EQ(headers.get("x-a"), "3");
}

TEST(HeadersOf, ARequestCannotSmuggleAnother)
{
    EXPECT_TRUE(is_sendable({"X-Key", "s p a c e"}));
    EXPECT_TRUE(is_sendable({"X-Empty", ""}));
    for (const Header& bad : std::initializer_list<Header>{
             {"X",         "a\r\nEvil: 1"        },
             {"X",         "a\nb"                },
             {"X",         std::string{"a\0b", 3}},
             {"X:",        "a"                   },
             {"X Y",       "a"                   },
             {"X\r\nEvil", "a"                   },
             {"",          "a"                   }
    })
        EXPECT_FALSE(is_sendable(bad)) << bad.name << "=" << bad.value;
}

struct UrlRow {
    const char* text;
    const char* origin; // "" if it must be refused
    const char* canonical;
};

TEST(Urls, AreReadOrRefused)
{
    // clang-format off
    const UrlRow rows[]{
        {"http://a.example", "http://a.example:80", "http://a.example/"},
        {"https://A.Example/X?y=1#z", "https://a.example:443", "https://a.example/X?y=1"},
        {"HTTPS://a:444/", "https://a:444", "https://a:444/"},
        {"http://a:80/b", "http://a:80", "http://a/b"},
        {"http://[::1]:8188/x", "http://[::1]:8188", "http://[::1]:8188/x"},
        {"http://a/b/../c", "http://a:80", "http://a/c"},
        {"file:///etc/passwd", "", ""},
        {"ftp://a/", "", ""},
        {"gopher://a/", "", ""},
        {"a.example/x", "", ""},
        {"http://", "", ""},
        {"http://user:pass@a/", "", ""},
        {"http://user@a/", "", ""},
        {"http://a:70000/", "", ""},
        {"http://a b/", "", ""},
        {"http://a/\r\nX: y", "", ""},
        {"", "", ""},
    };
    // clang-format on
    for (const UrlRow& row : rows) {
        const auto url = parse_url(row.text);
        EXPECT_EQ(url.has_value(), *row.origin != '\0') << row.text;
        if (!url) continue;
        EXPECT_EQ(url->origin(), row.origin) << row.text;
        EXPECT_EQ(url->text(), row.canonical) << row.text;
    }
    EXPECT_FALSE(parse_url(std::string_view{"http://a/\0b", 11}));
}

TEST(Urls, KnowLoopbackByItsSpelling)
{
    for (const char* yes :
         {"http://localhost/", "http://127.0.0.1/", "http://127.9.9.9/", "http://[::1]/"})
        EXPECT_TRUE(parse_url(yes)->is_loopback()) << yes;
    for (const char* no :
         {"http://127.evil.example/", "http://localhost.example/", "http://10.0.0.1/"})
        EXPECT_FALSE(parse_url(no)->is_loopback()) << no;
}

TEST(Urls, AreJoinedWithOneSlash)
{
    for (const char* base : {"http://h/api", "http://h/api/", "http://h/api//"})
        for (const char* path : {"v1/x", "/v1/x", "//v1/x"})
            EXPECT_EQ(join_url(base, path), "http://h/api/v1/x");
    EXPECT_EQ(escape("a b/ü?&"), "a%20b%2F%C3%BC%3F%26");
}

TEST(Urls, LoseTheirSecretsForLogs)
{
    EXPECT_EQ(redacted_url("https://h/a?sig=SECRET#x"), "https://h/a");
    EXPECT_EQ(redacted_url("https://user:pw@h/a"), "https://h/a");
    EXPECT_EQ(redacted_url("https://h/a@b"), "https://h/a@b");
    EXPECT_EQ(redacted_url("nonsense?x"), "nonsense");
    EXPECT_EQ(redacted_url("data:image/png;base64,AAAA"), "data:...");
}

TEST(Addresses, AreOfThePublicInternetOrNot)
{
    for (const char* yes : {"8.8.8.8",
                            "1.1.1.1",
                            "172.32.0.1",
                            "100.128.0.1",
                            "192.1.0.1",
                            "223.255.255.255",
                            "2606:4700::1111",
                            "::ffff:8.8.8.8",
                            "64:ff9b::808:808"})
        EXPECT_TRUE(is_public_address(yes)) << yes;
    for (const char* no : {"0.0.0.0",
                           "10.1.2.3",
                           "100.64.0.1",
                           "127.0.0.1",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.0.0.8",
                           "192.0.2.1",
                           "192.88.99.1",
                           "192.168.1.1",
                           "198.18.0.1",
                           "198.19.255.1",
                           "198.51.100.1",
                           "203.0.113.9",
                           "224.0.0.1",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "fe80::1",
                           "fe80::1%eth0",
                           "fc00::1",
                           "fd12::1",
                           "ff02::1",
                           "::ffff:10.0.0.1",
                           "::ffff:127.0.0.1",
                           "64:ff9b::a00:1",
                           "2001::1",
                           "2001:db8::1",
                           "2002:7f00:1::",
                           "3fff::1",
                           "not an address",
                           ""})
        EXPECT_FALSE(is_public_address(no)) << no;
}

} // namespace
} // namespace reelgate::http
