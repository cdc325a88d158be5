# The CUDA backend. The driver (libcuda) is never linked: one binary starts on
# machines with and without it, and kern_cuda() says at run time which it is.
if(MX_SANITIZE)
    message(FATAL_ERROR "MX_CUDA and MX_SANITIZE do not go together: the CUDA runtime's own "
                        "allocations drown the sanitizer's report. Use compute-sanitizer.")
endif()
find_program(MX_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH /usr/local/cuda PATH_SUFFIXES bin)
if(MX_NVCC AND NOT CMAKE_CUDA_COMPILER)
    set(CMAKE_CUDA_COMPILER ${MX_NVCC} CACHE FILEPATH "CUDA compiler")
endif()
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80 90)
endif()
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS} REQUIRED)
find_library(CUDNN_LIBRARY cudnn HINTS ${CUDAToolkit_LIBRARY_DIR} ${CUDAToolkit_LIBRARY_DIR}/.. REQUIRED)
mark_as_advanced(CUDNN_INCLUDE_DIR CUDNN_LIBRARY)
add_library(mx_cuda INTERFACE)
target_include_directories(mx_cuda SYSTEM INTERFACE ${CUDAToolkit_INCLUDE_DIRS} ${CUDNN_INCLUDE_DIR})
target_link_libraries(mx_cuda INTERFACE CUDA::cudart CUDA::cublas ${CUDNN_LIBRARY})
# No contraction, as in C: a body has the same bits on both sides.
target_compile_options(mx_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CUDA>:--fmad=false
    -Xcompiler=-Wall,-Wextra,-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=>)
if(MX_WERROR)
    target_compile_options(mx_flags INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>)
endif()
