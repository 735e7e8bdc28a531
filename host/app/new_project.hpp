// What `reelgate plugin new` writes: a project that builds, passes its own test and `plugin check`.
// The files are sdk/template, compiled into the program. A project is what lies under <lang> and
// under <lang>-<kind>, with the words between two @ filled in.
#pragma once

#include "host/base/result.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

struct TemplateFile {
    std::string_view set; // "cpp", "cpp-local"
    std::string_view path;
    std::string_view text;
};

std::span<const TemplateFile> template_files();

struct NewProject {
    std::string id;                       // "org.example.mine"
    std::string lang = "cpp";             // cpp, c, python
    std::string kind = "local";           // local, remote
    std::filesystem::path directory = {}; // created; empty: ./<id>
};

// Writes the project, whole or not at all, and returns its directory. Codes: `bad_id`,
// `no_template`, `directory_exists`.
Result<std::filesystem::path> write_project(const NewProject& project);

} // namespace reelgate
