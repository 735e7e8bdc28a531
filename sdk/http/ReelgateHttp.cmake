# Defines Reelgate::http: HTTP for plugins over the system's libcurl. It is built from its sources in
# the build that uses it, here as in the installed package, because a C++ library that was built
# with one compiler's standard library cannot be linked with another's.
#
# Wants CURL::libcurl, REELGATE_HTTP_SOURCES (the directory of the sources) and
# REELGATE_HTTP_INCLUDE (the one in which <reelgate/http/...> is found).
add_library(reelgate_sdk_http STATIC EXCLUDE_FROM_ALL)
foreach(source address body body_reader client download failure headers redirect retry_after
        transfer url verdict)
  target_sources(reelgate_sdk_http PRIVATE "${REELGATE_HTTP_SOURCES}/${source}.cpp")
endforeach()
add_library(Reelgate::http ALIAS reelgate_sdk_http)
target_include_directories(reelgate_sdk_http PUBLIC "${REELGATE_HTTP_INCLUDE}")
target_compile_features(reelgate_sdk_http PUBLIC cxx_std_20)
target_link_libraries(reelgate_sdk_http PRIVATE CURL::libcurl)
set_target_properties(reelgate_sdk_http PROPERTIES
  POSITION_INDEPENDENT_CODE ON
  CXX_EXTENSIONS OFF
  CXX_VISIBILITY_PRESET hidden
  VISIBILITY_INLINES_HIDDEN ON)
