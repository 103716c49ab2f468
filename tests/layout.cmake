# Checks that nothing stands at the top of the tree but what belongs there; dotfiles and build
# directories do.
#     cmake -Droot=DIR -P layout.cmake
cmake_minimum_required(VERSION 3.22)
set(layout src include tests cluster CMakeLists.txt CMakePresets.json README.md LICENSE)

file(GLOB stray RELATIVE "${root}" "${root}/*")
list(FILTER stray EXCLUDE REGEX "^(\\.|build)")
list(REMOVE_ITEM stray ${layout})
if(stray)
    string(REPLACE ";" ", " stray "${stray}")
    message(FATAL_ERROR "At the top level, outside the agreed layout: ${stray}")
endif()
