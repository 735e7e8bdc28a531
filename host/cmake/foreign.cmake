# Every foreign library is found here and nowhere else.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED) # headers only: Asio, Beast, DLL
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBAV REQUIRED IMPORTED_TARGET libavformat libavcodec libavutil libswscale)
if(REELGATE_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()

