# reelgate_add_plugin(target ID org.example.mine VERSION 1.0.0 SOURCES mine.cpp
#                     [NAME "Mine"] [LICENSE MIT] [EGRESS none|local|cloud] [GPU none|optional|required]
#                     [ENVIRONMENT VAR ...] [START_TIMEOUT seconds] [MANIFEST_EXTRA {json}]
#                     [FILES extra ...] [OUTPUT_DIR dir])
#
# Builds the directory <OUTPUT_DIR>/<ID>: plugin.so, plugin.json, the extra files and SHA256SUMS. It is
# what a host loads; copy it as a whole. OUTPUT_DIR is REELGATE_PLUGIN_OUTPUT_DIR, or plugins/ of the
# build directory.
#
# The library exports the entry symbol and nothing else: with more, two plugins that bring different
# versions of one static library meet in one process. Undefined symbols fail here, at the link, and
# not in the middle of a job.
set_property(GLOBAL PROPERTY REELGATE_PLUGIN_CMAKE_DIR "${CMAKE_CURRENT_LIST_DIR}")

function(_reelgate_json_text out text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  set(${out} "\"${text}\"" PARENT_SCOPE)
endfunction()

# Copies the members of the object `extra` into the object `json`.
function(_reelgate_json_merge out json extra)
  string(JSON count LENGTH "${extra}")
  if(count GREATER 0)
    math(EXPR last "${count} - 1")
    foreach(i RANGE ${last})
      string(JSON member MEMBER "${extra}" ${i})
      string(JSON type TYPE "${extra}" "${member}")
      string(JSON value GET "${extra}" "${member}")
      if(type STREQUAL "STRING")
        _reelgate_json_text(value "${value}")
      elseif(type STREQUAL "BOOLEAN")
        if(value)
          set(value true)
        else()
          set(value false)
        endif()
      elseif(type STREQUAL "NULL")
        set(value null)
      endif()
      string(JSON json SET "${json}" "${member}" "${value}")
    endforeach()
  endif()
  set(${out} "${json}" PARENT_SCOPE)
endfunction()

function(_reelgate_manifest out)
  set(json "{}")
  foreach(member id version name license egress gpu)
    string(TOUPPER ${member} upper)
    _reelgate_json_text(value "${ARG_${upper}}")
    string(JSON json SET "${json}" ${member} "${value}")
  endforeach()
  _reelgate_json_text(machine "${CMAKE_SYSTEM_PROCESSOR}")
  string(JSON json SET "${json}" machine "${machine}")
  string(JSON json SET "${json}" schema 1)
  string(JSON json SET "${json}" runtime "\"native\"")
  string(JSON json SET "${json}" entry "\"plugin.so\"")
  string(JSON json SET "${json}" transport "\"fd\"")
  string(JSON json SET "${json}" abi "{\"major\": 1, \"min_host_minor\": ${ARG_MIN_HOST_MINOR}}")
  string(JSON json SET "${json}" start_timeout_s ${ARG_START_TIMEOUT})
  string(JSON json SET "${json}" files "\"SHA256SUMS\"")
  string(JSON json SET "${json}" environment "[]")
  set(at 0)
  foreach(variable IN LISTS ARG_ENVIRONMENT)
    string(JSON json SET "${json}" environment ${at} "\"${variable}\"")
    math(EXPR at "${at} + 1")
  endforeach()
  if(ARG_MANIFEST_EXTRA)
    _reelgate_json_merge(json "${json}" "${ARG_MANIFEST_EXTRA}")
  endif()
  set(${out} "${json}\n" PARENT_SCOPE)
endfunction()

# Is this build instrumented? Its runtime is in the program, not in the library: -z defs cannot hold.
function(_reelgate_is_sanitized out)
  get_directory_property(compile COMPILE_OPTIONS)
  get_directory_property(link LINK_OPTIONS)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  set(all "${compile} ${link} ${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS} ${CMAKE_C_FLAGS_${type}}"
          "${CMAKE_CXX_FLAGS_${type}} ${CMAKE_MODULE_LINKER_FLAGS}")
  if(all MATCHES "-fsanitize")
    set(${out} TRUE PARENT_SCOPE)
  else()
    set(${out} FALSE PARENT_SCOPE)
  endif()
endfunction()

function(reelgate_add_plugin target)
  cmake_parse_arguments(PARSE_ARGV 1 ARG ""
    "ID;VERSION;NAME;LICENSE;EGRESS;GPU;START_TIMEOUT;MIN_HOST_MINOR;MANIFEST_EXTRA;OUTPUT_DIR"
    "SOURCES;ENVIRONMENT;FILES")
  foreach(needed ID VERSION SOURCES)
    if(NOT ARG_${needed})
      message(FATAL_ERROR "reelgate_add_plugin(${target}): ${needed} must be given")
    endif()
  endforeach()
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "reelgate_add_plugin(${target}): what is '${ARG_UNPARSED_ARGUMENTS}'?")
  endif()
  foreach(default "NAME=${ARG_ID}" LICENSE= EGRESS=none GPU=none START_TIMEOUT=30 MIN_HOST_MINOR=0)
    string(REGEX MATCH "^([A-Z_]+)=(.*)$" ignored "${default}")
    if(NOT DEFINED ARG_${CMAKE_MATCH_1})
      set(ARG_${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
    endif()
  endforeach()
  if(NOT ARG_OUTPUT_DIR)
    set(ARG_OUTPUT_DIR "${CMAKE_BINARY_DIR}/plugins")
    if(REELGATE_PLUGIN_OUTPUT_DIR)
      set(ARG_OUTPUT_DIR "${REELGATE_PLUGIN_OUTPUT_DIR}")
    endif()
  endif()
  set(directory "${ARG_OUTPUT_DIR}/${ARG_ID}")
  get_property(sdk GLOBAL PROPERTY REELGATE_PLUGIN_CMAKE_DIR)

  add_library(${target} MODULE ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE Reelgate::abi)
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if("CXX" IN_LIST languages)
    target_link_libraries(${target} PRIVATE Reelgate::sdk)
    target_compile_features(${target} PRIVATE cxx_std_20)
  endif()
  target_compile_definitions(${target} PRIVATE RG_MIN_HOST_MINOR=${ARG_MIN_HOST_MINOR})
  target_link_options(${target} PRIVATE "LINKER:--version-script=${sdk}/reelgate_plugin.map"
                      "LINKER:--exclude-libs,ALL" "LINKER:-z,now")
  _reelgate_is_sanitized(sanitized)
  if(NOT sanitized)
    target_link_options(${target} PRIVATE "LINKER:-z,defs")
  endif()

  _reelgate_manifest(manifest)
  file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${target}.plugin/plugin.json"
       CONTENT "@manifest@" @ONLY)
  set(beside "${CMAKE_CURRENT_BINARY_DIR}/${target}.plugin/plugin.json")
  foreach(file IN LISTS ARG_FILES)
    get_filename_component(file "${file}" ABSOLUTE)
    list(APPEND beside "${file}")
  endforeach()
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME plugin SUFFIX ".so"
    LIBRARY_OUTPUT_DIRECTORY "$<1:${directory}>"
    POSITION_INDEPENDENT_CODE ON
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN/lib"
    LINK_DEPENDS "${beside};${sdk}/reelgate_plugin.map")
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND "${CMAKE_COMMAND}" -E copy ${beside} "${directory}"
    COMMAND "${CMAKE_COMMAND}" "-DDIRECTORY=${directory}" -P "${sdk}/ReelgateSums.cmake"
    VERBATIM)
endfunction()
