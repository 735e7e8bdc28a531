#include "host/app/new_project.hpp"

#include "host/plugin/manifest.hpp"

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <utility>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

struct Word {
    std::string_view placeholder;
    std::string value;
};

std::string in_quotes(std::string_view text)
{
    std::string result = "'";
    result += text;
    return result += "'";
}

// "org.example.slow-motion" is called "Slow motion", and its class SlowMotionProvider: with the
// ending it is an identifier whatever the id, and no name of the SDK.
std::string name_of(std::string_view id)
{
    std::string name(id.substr(id.rfind('.') + 1));
    for (char& c : name)
        if (c == '-' || c == '_') c = ' ';
    name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
    return name;
}

std::string class_of(std::string_view id)
{
    std::string words;
    bool upper = true;
    for (const char c : name_of(id)) {
        if (c != ' ')
            words += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
        upper = c == ' ';
    }
    const bool starts_with_digit = std::isdigit(static_cast<unsigned char>(words[0])) != 0;
    return (starts_with_digit ? "Plugin" : "") + words + "Provider";
}

std::string filled(std::string_view text, std::span<const Word> words)
{
    std::string result;
    while (!text.empty()) {
        const auto at = text.find('@');
        result += text.substr(0, at);
        if (at == std::string_view::npos) break;
        text.remove_prefix(at);
        std::string_view taken = text.substr(0, 1);
        std::string_view put = taken;
        for (const Word& word : words)
            if (text.starts_with(word.placeholder)) taken = word.placeholder, put = word.value;
        result += put;
        text.remove_prefix(taken.size());
    }
    return result;
}

// A plugin's id is the name of a directory, and its last part names the class.
Result<Done> usable(std::string_view id)
{
    const bool empty_part =
        id.starts_with('.') || id.ends_with('.') || id.find("..") != std::string_view::npos;
    const auto last = id.substr(id.rfind('.') + 1);
    const bool nameless = last.find_first_not_of("-_") != 0;
    if (is_plugin_id(id) && !empty_part && !nameless) return Done{};
    return invalid(in_quotes(id.substr(0, 120)) +
                       " cannot be a plugin's id: it is 1 to 100 of a-z 0-9 . _ -, such as "
                       "org.example.mine",
                   "bad_id");
}

Result<Done> write_file(const fs::path& file, const std::string& text)
{
    std::error_code failed;
    fs::create_directories(file.parent_path(), failed);
    if (failed)
        return system_error(
            Category::internal, "creating " + file.parent_path().string(), failed.value());
    std::ofstream out(file, std::ios::binary);
    out << text;
    out.close();
    if (!out) return system_error(Category::internal, "writing " + file.string(), errno);
    if (text.starts_with("#!")) {
        const auto all_may = fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec;
        fs::permissions(file, all_may, fs::perm_options::add, failed);
    }
    return Done{};
}

Result<Done> write_files(const NewProject& project, const fs::path& directory)
{
    const Word words[] = {
        {"@ID@",    project.id                                            },
        {"@NAME@",  name_of(project.id)                                   },
        {"@CLASS@", class_of(project.id)                                  },
        {"@CHECK@", project.kind == "remote" ? "--config check.json " : ""}
    };
    bool any = false;
    for (const TemplateFile& file : template_files()) {
        const bool special = file.set == project.lang + "-" + project.kind;
        any = any || special;
        if (!special && file.set != project.lang) continue;
        RG_CHECK(write_file(directory / file.path, filled(file.text, words)));
    }
    if (any) return Done{};
    return invalid("there is no template for a " + project.kind + " plugin in '" + project.lang +
                       "': the languages are cpp, c and python, the kinds local and remote",
                   "no_template");
}

// A directory beside `target`, so that a rename can put it there at once.
Result<fs::path> workshop_for(const fs::path& target)
{
    std::error_code failed;
    const fs::path parent = target.has_parent_path() ? target.parent_path() : fs::path(".");
    fs::create_directories(parent, failed);
    std::string name = (parent / (target.filename().string() + ".new-XXXXXX")).string();
    if (failed || ::mkdtemp(name.data()) == nullptr)
        return system_error(
            Category::internal, "creating " + name, failed ? failed.value() : errno);
    fs::permissions(name, fs::perms{0755}, failed); // mkdtemp makes it private
    return fs::path(name);
}

} // namespace

Result<fs::path> write_project(const NewProject& project)
{
    RG_CHECK(usable(project.id));
    fs::path target = project.directory.empty() ? fs::path(project.id) : project.directory;
    if (!target.has_filename()) target = target.parent_path(); // written with a slash at the end
    std::error_code unknown;
    if (fs::exists(fs::symlink_status(target, unknown)) && !fs::is_empty(target, unknown))
        return invalid(in_quotes(target.string()) + " exists: nothing is written over it",
                       "directory_exists");

    RG_TRY(const fs::path workshop, workshop_for(target));
    auto written = write_files(project, workshop);
    if (written && ::rename(workshop.c_str(), target.c_str()) != 0)
        written = system_error(Category::internal, "naming " + target.string(), errno);
    if (written) return target;
    fs::remove_all(workshop, unknown);
    return std::move(written).error();
}

} // namespace reelgate
