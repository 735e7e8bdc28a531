# Precompiled headers, in the sanitized builds only: clang gains half of its time by them, GCC almost
# nothing. The plain build goes without, so a file that forgets an include is still found out.
# A program is compiled as -fPIE and a library as -fPIC, hence one for each; tests add gMock.
option(REELGATE_PRECOMPILE "Precompile the large headers (clang)" OFF)

set(reelgate_large_headers
  <algorithm> <array> <charconv> <chrono> <filesystem> <fstream> <functional> <map> <memory> <mutex>
  <optional> <random> <set> <span> <sstream> <string> <thread> <variant> <vector>
  <nlohmann/json.hpp> <boost/asio.hpp>)

function(reelgate_precompiled_anchor kind headers)
  target_precompile_headers(reelgate_precompiled_${kind} PRIVATE ${headers})
  target_link_libraries(reelgate_precompiled_${kind} PRIVATE
    reelgate_flags reelgate_asio nlohmann_json::nlohmann_json)
endfunction()

if(REELGATE_PRECOMPILE)
  file(WRITE "${CMAKE_BINARY_DIR}/precompiled/library.cpp" "")
  file(WRITE "${CMAKE_BINARY_DIR}/precompiled/program.cpp" "int main() {}\n")
  add_library(reelgate_precompiled_library STATIC "${CMAKE_BINARY_DIR}/precompiled/library.cpp")
  reelgate_precompiled_anchor(library "${reelgate_large_headers}")
  add_executable(reelgate_precompiled_program "${CMAKE_BINARY_DIR}/precompiled/program.cpp")
  reelgate_precompiled_anchor(program "${reelgate_large_headers}")
  if(REELGATE_BUILD_TESTS)
    add_executable(reelgate_precompiled_test "${CMAKE_BINARY_DIR}/precompiled/program.cpp")
    reelgate_precompiled_anchor(test "${reelgate_large_headers};<gmock/gmock.h>")
    target_link_libraries(reelgate_precompiled_test PRIVATE GTest::gmock)
  endif()
endif()

# reelgate_precompiled(target library|program|test)
function(reelgate_precompiled target kind)
  if(REELGATE_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM reelgate_precompiled_${kind})
    target_link_libraries(${target} PRIVATE reelgate_asio) # whoever sees its headers refers to it
  endif()
endfunction()
