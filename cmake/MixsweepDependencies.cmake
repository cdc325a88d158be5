# Libraries. The first ones are needed; the rest is looked for, and what was
# found is told at the end of configuring (MixsweepSummary.cmake).
find_package(PkgConfig REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(yaml REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson)

# Debian's package has no pkg-config file, and its CMake file asks for OpenCL.
find_path(ONEDNN_INCLUDE_DIR dnnl.h REQUIRED)
find_library(ONEDNN_LIBRARY dnnl REQUIRED)
mark_as_advanced(ONEDNN_INCLUDE_DIR ONEDNN_LIBRARY)
add_library(mx_onednn INTERFACE)
target_include_directories(mx_onednn SYSTEM INTERFACE ${ONEDNN_INCLUDE_DIR})
target_link_libraries(mx_onednn INTERFACE ${ONEDNN_LIBRARY})
