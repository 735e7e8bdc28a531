# Every foreign library is found here and nowhere else.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED) # headers only: Asio, Beast, DLL
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(yaml-cpp 0.7 REQUIRED)
set(REELGATE_YAML ${YAML_CPP_LIBRARIES})
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBAV REQUIRED IMPORTED_TARGET libavformat libavcodec libavutil libswresample
                  libswscale)
if(REELGATE_BUILD_TESTS STREQUAL "AUTO")
  find_package(GTest QUIET)
  find_package(Python3 QUIET COMPONENTS Interpreter)
  set(REELGATE_BUILD_TESTS OFF)
  if(GTest_FOUND AND Python3_FOUND)
    set(REELGATE_BUILD_TESTS ON)
  endif()
elseif(REELGATE_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()

# libtorch is the one library that a distribution may not have: without it one plugin is left out.
if(REELGATE_FASTVIDEO_LOCAL AND EXISTS "${PROJECT_SOURCE_DIR}/plugins/fastvideo-local/CMakeLists.txt")
  find_package(Torch QUIET)
  if(NOT Torch_FOUND)
    message(NOTICE "-- no libtorch here: plugins/fastvideo-local is not built")
    set(REELGATE_FASTVIDEO_LOCAL OFF)
  endif()
endif()

