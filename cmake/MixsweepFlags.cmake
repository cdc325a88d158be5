# Compiler flags shared by every target, as the interface library mx_flags.
add_library(mx_flags INTERFACE)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

target_include_directories(mx_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(mx_flags INTERFACE _GNU_SOURCE MX_VERSION="${PROJECT_VERSION}")
# Paths in messages and debug information start at the source folder, wherever that lies.
# No contraction: a*b+c rounds twice on every machine, as the CUDA parity build does.
target_compile_options(mx_flags INTERFACE
    $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes
    -Wstrict-prototypes -Wvla -Wpointer-arith -Wwrite-strings -ffp-contract=off
    -fno-math-errno -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=>)
if(MX_WERROR)
    target_compile_options(mx_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:-Werror>)
endif()
if(MX_LTO)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT lto_works LANGUAGES C)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${lto_works})
endif()
if(MX_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "MX_FUZZ needs clang: use the preset fuzz")
    endif()
    set(MX_SANITIZE ON)
    target_compile_options(mx_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(MX_SANITIZE)
    target_compile_options(mx_flags INTERFACE -fsanitize=address,undefined
                           -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(mx_flags INTERFACE -fsanitize=address,undefined)
endif()
