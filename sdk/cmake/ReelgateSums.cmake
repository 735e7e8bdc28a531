# cmake -D DIRECTORY=<plugin directory> -P ReelgateSums.cmake: writes SHA256SUMS over every file in it
# but the sums and their signature, in the form that sha256sum --check reads.
file(GLOB_RECURSE files RELATIVE "${DIRECTORY}" "${DIRECTORY}/*")
list(REMOVE_ITEM files SHA256SUMS SHA256SUMS.sig)
list(SORT files)
set(sums "")
foreach(file IN LISTS files)
  file(SHA256 "${DIRECTORY}/${file}" digest)
  string(APPEND sums "${digest}  ${file}\n")
endforeach()
file(WRITE "${DIRECTORY}/SHA256SUMS" "${sums}")
