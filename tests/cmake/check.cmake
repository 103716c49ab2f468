# The shim over GoogleTest that tests/check.h declares, as the target rankpool_check. Without a
# C++ compiler or GoogleTest there is none, and no tests are built.

include(CheckLanguage)
if(NOT CMAKE_CXX_COMPILER)
    unset(CMAKE_CXX_COMPILER CACHE) # one that was not there the last time may be there now
endif()
check_language(CXX)
if(CMAKE_CXX_COMPILER)
    enable_language(CXX)
    find_package(GTest)
endif()
if(NOT TARGET GTest::gtest)
    message(WARNING "The tests are left out: they need a C++ compiler and GoogleTest "
                    "(Debian: g++ libgtest-dev, Fedora: gcc-c++ gtest-devel, Spack: googletest).")
    return()
endif()

add_library(rankpool_check STATIC check.cc)
set_target_properties(rankpool_check PROPERTIES CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
target_include_directories(rankpool_check PUBLIC
    "${PROJECT_SOURCE_DIR}/tests" "${PROJECT_SOURCE_DIR}/include")
target_link_libraries(rankpool_check PUBLIC GTest::gtest PRIVATE rankpool_flags rankpool_warnings)
