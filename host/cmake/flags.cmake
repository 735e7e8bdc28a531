# What every file of ours is compiled with: strict warnings, and the sanitizer of the preset.
# Ours is `reelgate_flags`; a foreign header reaches us as SYSTEM and is not held to it. Under a
# sanitizer GCC warns about the code that the sanitizer puts in, so there it is silent. The presets
# take clang for the sanitizers, and so have its opinion on the same files too.
add_library(reelgate_flags INTERFACE)
if(REELGATE_SANITIZE STREQUAL "" OR CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(reelgate_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wformat=2
    -Wimplicit-fallthrough -Werror
    $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast>
    $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op>
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wuseless-cast>
    # GCC 12 sees an overlap in `"text" + std::string` that cannot be (its bug 105651).
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
    # At -O2 it takes Asio's coroutine frames, made by aligned_alloc and freed by free, for a mismatch.
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-mismatched-new-delete>)
endif()

# Asio is compiled once, in reelgate_asio. Whoever includes it must see it the same way.
add_compile_definitions(BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION)

if(REELGATE_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  add_compile_definitions(REELGATE_UNDER_ASAN)
  # clang 14 cannot place the mark that `function` puts before a coroutine's parts.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options(-fno-sanitize=function)
  endif()
elseif(REELGATE_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
  add_compile_definitions(REELGATE_UNDER_TSAN)
  # GCC 12 says that TSan cannot see through Boost's fences; that is so, and no reason to stop.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)
  endif()
elseif(NOT REELGATE_SANITIZE STREQUAL "")
  message(FATAL_ERROR "REELGATE_SANITIZE is '${REELGATE_SANITIZE}': say 'address', 'thread' or nothing")
endif()

if(REELGATE_BUILD_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# reelgate_library(name SOURCES ... DEPENDS ...): a room of the host, as a static library.
function(reelgate_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE reelgate_flags)
  reelgate_precompiled(${name} library)
endfunction()

# reelgate_test(name SOURCES ... DEPENDS ... [PLAIN_MAIN] [ONE_THREAD]): a GoogleTest program, known to CTest.
# ONE_THREAD: it starts no thread, so ThreadSanitizer has nothing to see in it and does not build it.
# A test that gains nothing from a sanitizer (it measures, or builds something with another compiler)
# gets the label release_only.
function(reelgate_test name)
  cmake_parse_arguments(ARG "PLAIN_MAIN;ONE_THREAD" "TIMEOUT" "SOURCES;DEPENDS" ${ARGN})
  if(NOT REELGATE_BUILD_TESTS OR (ARG_ONE_THREAD AND REELGATE_SANITIZE STREQUAL "thread"))
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(REELGATE_SANITIZE)
    math(EXPR ARG_TIMEOUT "3 * ${ARG_TIMEOUT}")
  endif()
  add_executable(${name} ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} GTest::gmock reelgate_flags)
  target_compile_definitions(${name} PRIVATE
    REELGATE_BINARY_DIR="${CMAKE_BINARY_DIR}" REELGATE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  # What a test is about is in the libraries; to optimize its own lines takes a fourth of its time.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O0>)
  reelgate_precompiled(${name} test)
  if(NOT ARG_PLAIN_MAIN)
    target_link_libraries(${name} PRIVATE GTest::gmock_main)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
endfunction()
