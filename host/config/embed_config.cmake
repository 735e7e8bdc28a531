# cmake -D OUT=<file.cpp> -D CONFIG=<reelgate.yaml> -P embed_config.cmake
# The default configuration becomes a part of the program, which so needs no file.
file(READ "${CONFIG}" text)
file(WRITE "${OUT}" "#include \"host/config/load.hpp\"

namespace reelgate {

std::string_view built_in_config() { return R\"reelgate(${text})reelgate\"; }

} // namespace reelgate
")
