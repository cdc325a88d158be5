# Libraries. The first ones are needed; the rest is looked for, and what was
# found is told at the end of configuring (MixsweepSummary.cmake).

# Set ${out} to "MAJOR.MINOR.PATCH" from lines "#define PREFIX_MAJOR 2" of a header;
# the three words may be given instead.
function(mx_header_version out header prefix)
    set(parts ${ARGN})
    if(NOT parts)
        set(parts MAJOR MINOR PATCH)
    endif()
    set(version)
    foreach(part ${parts})
        file(STRINGS ${header} line REGEX "#define +${prefix}_${part} +[0-9]+")
        if(line MATCHES "${prefix}_${part} +([0-9]+)")
            list(APPEND version ${CMAKE_MATCH_1})
        endif()
    endforeach()
    string(REPLACE ";" "." version "${version}")
    set(${out} ${version} PARENT_SCOPE)
endfunction()

find_package(PkgConfig REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(jpeg REQUIRED IMPORTED_TARGET libjpeg)
pkg_check_modules(png REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(kissfft REQUIRED IMPORTED_TARGET kissfft-float)
pkg_check_modules(yaml REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(ncurses REQUIRED IMPORTED_TARGET ncursesw)
pkg_check_modules(sqlite REQUIRED IMPORTED_TARGET sqlite3)

# Debian's package has no pkg-config file, and its CMake file asks for OpenCL.
find_path(ONEDNN_INCLUDE_DIR dnnl.h REQUIRED)
find_library(ONEDNN_LIBRARY dnnl REQUIRED)
mark_as_advanced(ONEDNN_INCLUDE_DIR ONEDNN_LIBRARY)
add_library(mx_onednn INTERFACE)
target_include_directories(mx_onednn SYSTEM INTERFACE ${ONEDNN_INCLUDE_DIR})
target_link_libraries(mx_onednn INTERFACE ${ONEDNN_LIBRARY})

# MPI is used where it is found, unless the option says otherwise.
set_property(CACHE MX_MPI PROPERTY STRINGS AUTO ON OFF)
set(MX_MPI_USED OFF)
if(MX_MPI)
    # An mpicc that was asked for brings its own launcher.
    if(MPI_C_COMPILER)
        get_filename_component(mpicc_dir ${MPI_C_COMPILER} DIRECTORY)
        find_program(MPIEXEC_EXECUTABLE NAMES mpiexec mpirun HINTS ${mpicc_dir} NO_DEFAULT_PATH)
    endif()
    find_package(MPI QUIET COMPONENTS C)
    set(MX_MPI_USED ${MPI_C_FOUND})
    if(NOT MX_MPI_USED AND NOT MX_MPI STREQUAL AUTO)
        message(FATAL_ERROR "MX_MPI is ON, and no MPI was found: install libopenmpi-dev and "
                            "openmpi-bin, or set MPI_C_COMPILER to the mpicc to use.")
    endif()
endif()
if(MX_MPI_USED)
    mx_header_version(MX_OPENMPI_VERSION "${MPI_C_HEADER_DIR}/mpi.h" OMPI
                      MAJOR_VERSION MINOR_VERSION RELEASE_VERSION) # empty: another MPI
endif()

# Downloading, unpacking and checking data sets: all three libraries, or none of it.
set_property(CACHE MX_FETCH PROPERTY STRINGS AUTO ON OFF)
set(MX_FETCH_USED OFF)
if(MX_FETCH)
    pkg_check_modules(fetch QUIET IMPORTED_TARGET libcurl>=7.85 libarchive libmd)
    set(MX_FETCH_USED ${fetch_FOUND})
    if(NOT MX_FETCH_USED AND NOT MX_FETCH STREQUAL AUTO)
        message(FATAL_ERROR "MX_FETCH is ON, and libcurl 7.85, libarchive and libmd were not all found: "
                            "install libcurl4-openssl-dev, libarchive-dev and libmd-dev.")
    endif()
endif()
