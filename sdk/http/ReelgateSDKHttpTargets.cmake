# Part of the installed package; see ReelgateHttp.cmake.
get_property(_reelgate_http_languages GLOBAL PROPERTY ENABLED_LANGUAGES)
if("CXX" IN_LIST _reelgate_http_languages AND NOT TARGET Reelgate::http)
  get_filename_component(REELGATE_HTTP_SOURCES "${CMAKE_CURRENT_LIST_DIR}/../../reelgate/http" ABSOLUTE)
  get_target_property(REELGATE_HTTP_INCLUDE Reelgate::abi INTERFACE_INCLUDE_DIRECTORIES)
  include("${CMAKE_CURRENT_LIST_DIR}/ReelgateHttp.cmake")
endif()
unset(_reelgate_http_languages)
