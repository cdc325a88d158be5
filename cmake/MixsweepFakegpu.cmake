# A GPU that is not there (tests/fakegpu): the CUDA backend's objects, compiled by nvcc and
# linked with stand-ins of the vendor's libraries. Without nvcc its tests are there all the
# same and are skipped.
set(MX_FAKEGPU AUTO CACHE STRING "Build the tests on a pretended GPU: OFF, or AUTO, if nvcc is found")
set_property(CACHE MX_FAKEGPU PROPERTY STRINGS AUTO OFF)
find_program(MX_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH /usr/local/cuda PATH_SUFFIXES bin)
set(MX_FAKEGPU_USED OFF)
if(MX_FAKEGPU AND MX_NVCC AND NOT MX_SANITIZE AND NOT MX_CUDA)
    get_filename_component(nvcc_dir ${MX_NVCC} DIRECTORY)
    find_path(MX_CUDA_HEADERS cuda_runtime_api.h HINTS ${nvcc_dir}/../include
              ${nvcc_dir}/../targets/x86_64-linux/include)
    mark_as_advanced(MX_CUDA_HEADERS)
    if(MX_CUDA_HEADERS)
        set(MX_FAKEGPU_USED ON)
    endif()
endif()

# The backend's sources as objects of this build: code for one virtual architecture, which nothing
# ever runs, is the quickest to make.
function(mx_cuda_objects out)
    set(objects)
    set(flags -std=c++17 -arch=compute_80 -code=compute_80 -cudart shared --fmad=false -O1
        -I${CMAKE_SOURCE_DIR} -D_GNU_SOURCE -DMX_VERSION="${PROJECT_VERSION}"
        -Xcompiler=-Wall,-Wextra,-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
    if(MX_WERROR)
        list(APPEND flags -Werror=all-warnings)
    endif()
    foreach(source ${ARGN})
        get_filename_component(name ${source} NAME)
        set(object ${CMAKE_CURRENT_BINARY_DIR}/fakegpu/${name}.o)
        add_custom_command(OUTPUT ${object}
            COMMAND ${CMAKE_COMMAND} -E env CCACHE_DISABLE=1
                    ${MX_NVCC} ${flags} -MD -MF ${object}.d -c ${source} -o ${object}
            DEPENDS ${source} DEPFILE ${object}.d COMMENT "Compiling ${name} for a pretended GPU" VERBATIM)
        list(APPEND objects ${object})
    endforeach()
    file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/fakegpu)
    set(${out} ${objects} PARENT_SCOPE)
endfunction()

# A program with the backend and the stand-ins; the backend's objects take the places of those
# that say that there is none.
function(mx_fakegpu_program name)
    add_executable(${name} ${ARGN} ${MX_FAKEGPU_OBJECTS} $<TARGET_OBJECTS:mx_fakegpu_backend>)
    target_link_libraries(${name} PRIVATE mx_sweep mx_fakegpu stdc++)
endfunction()
