# cmake -D OUT=<file.cpp> -D TEMPLATES=<directory> -D HELPER=<reelgate_worker.py> -P embed_templates.cmake
# Turns the templates of `plugin new` into a table, so that an installed program needs no files.
set(rows "")
macro(add_row set path file)
  file(READ "${file}" text)
  string(APPEND rows "    {\"${set}\", \"${path}\", R\"reelgate(${text})reelgate\"},\n")
endmacro()

file(GLOB_RECURSE files RELATIVE "${TEMPLATES}" "${TEMPLATES}/*")
list(SORT files)
foreach(file IN LISTS files)
  string(REGEX MATCH "^([^/]+)/(.+)$" ignored "${file}")
  add_row("${CMAKE_MATCH_1}" "${CMAKE_MATCH_2}" "${TEMPLATES}/${file}")
endforeach()
add_row("python" "plugin/reelgate_worker.py" "${HELPER}")

file(WRITE "${OUT}" "#include \"host/app/new_project.hpp\"

namespace reelgate {

namespace {
constexpr TemplateFile kFiles[] = {
${rows}};
} // namespace

std::span<const TemplateFile> template_files() { return kFiles; }

} // namespace reelgate
")
