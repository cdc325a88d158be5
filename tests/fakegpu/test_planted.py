"""Every planted misuse (planted.c) is found and named; without one the program passes.

ctest: quick timeout=120 """
import concurrent.futures
import os
import pathlib
import re
import subprocess
import unittest

HERE = pathlib.Path(__file__).parent
BUILD = pathlib.Path(os.environ["MX_FAKEGPU_BUILD"])
MISUSE = 86

# Program, plant: what the line on standard error says after "fakegpu: misuse: ".
BATCH = {
    "block too small": "cudaMemcpy: dst: N bytes, of which only N are in its block of N bytes",
    "freed twice": "cudaFree: devPtr: was freed before, by cudaFree",
    "freed in the middle": "cudaFree: devPtr: is not the beginning of device memory",
    "host memory freed": "cudaFree: devPtr: is no device memory",
    "never freed": "exit: leak: N bytes of cudaMalloc were never freed",
    "freed before a copy": "cudaMemcpy: src: device memory that cudaFree freed",
    "host memory as device memory": "cudaMemcpy: dst: is host memory, not device memory",
    "copied the wrong way": "cudaMemcpy: dst: is device memory, not host memory",
    "copied into nothing": "cudaMemcpy: dst: is NULL, not host memory",
    "copied past the end": "cudaMemcpy: dst: N bytes, of which only N are in its block of N bytes",
    "no kind of copy": "cudaMemcpy: kind: N is no kind of copy",
    "host reads device memory": "memory: address: host code touches device memory",
    "pinned memory read too early":
        "memory: address: host code touches pinned memory that work uses and it has not waited for",
    "used after fork":
        "cudaDeviceSynchronize: process: CUDA was used before fork(); a child cannot use it",
    "event never destroyed": "exit: leak: an event of cudaEventCreate was never freed",
    "stream never destroyed": "exit: leak: a stream of cudaStreamCreate was never freed",
    "event never recorded":
        "cudaStreamWaitEvent: event: was never recorded: there is nothing to wait for",
    "event waited for after its end":
        "cudaEventSynchronize: event: an event that cudaEventDestroy destroyed",
    "event as a stream": "cudaStreamSynchronize: stream: is an event, not a stream",
    "capture that is waited for":
        "cudaStreamSynchronize: stream: its work is being captured: nothing can wait for it",
    "grid of no blocks": "mx_kernel_batch: grid: N x N x N has no block",
    "grid too high": "mx_kernel_batch: grid: N x N x N is larger than N x N x N",
    "block of no threads": "mx_kernel_batch: block: N x N x N has no thread",
    "block too large": "mx_kernel_batch: block: N x N x N has more than N threads, or a side of "
                       "more than N x N x N",
    "too much shared memory": "mx_kernel_batch: shared memory: N bytes, of which N are allowed",
    "destroyed stream": "mx_kernel_batch: stream: a stream that cudaStreamDestroy destroyed",
    "missing wait": "cudaMemcpy: src: reads memory that mx_kernel_batch writes on another stream: "
                    "no event, stream or host waits in between",
    "host pointer in a kernel's arguments":
        "mx_kernel_batch: args+N: holds the address of host memory",
    "freed pointer in a kernel's arguments":
        "mx_kernel_batch: args+N: device memory that cudaFree freed",
    "kernel past the end of its output": "mx_kernel_batch: args.samples: N bytes, of which only N "
                                         "are in its block of N bytes",
    "unknown kernel":
        "mx_kernel_of_nobody: kernel: has no driver in tests/fakegpu/kernels.c",
}
# The backend of networks, in a few operations of tests/unit/test_operations_cuda.c.
NETWORK = {
    "algorithm that bfloat16 lacks": "cudnnConvolutionForward: algo: N is not supported with bfloat16",
    "bfloat16 row-major":
        "cudnnGetConvolutionForwardWorkspaceSize: xDesc: bfloat16 is supported channels-last alone",
    "bfloat16 without tensor cores":
        "cudnnGetConvolutionForwardWorkspaceSize: convDesc: bfloat16 without CUDNN_TENSOR_OP_MATH",
    "convolution of unaligned bfloat16": "cudnnConvolutionForward: x: must be aligned to N bytes",
    "factor of unaligned bfloat16": "cublasGemmEx: A: must be aligned to N bytes",
    "factors of two types": "cublasGemmEx: Btype: N, and that of A is N",
    "filter of another type":
        "cudnnGetConvolutionForwardWorkspaceSize: wDesc: data type N, and that of xDesc is N",
    "product in bfloat16 into its own factor": "cublasGemmEx: A: overlaps C",
    "product in bfloat16 past the end":
        "cublasGemmEx: B: N bytes, of which only N are in its block of N bytes",
    "rows of no eights": "cublasGemmEx: lda, ldb: N, N are no multiples of N, which tensor cores read",
    "sums in half precision": "cublasGemmEx: computeType: N does not add in float32",
    "block of no threads": "mx_kernel_pad: block: N x N x N has no thread",
    "block too small": "cudaMemcpyAsync: dst: N bytes, of which only N are in its block of N bytes",
    "convolution into its input": "cudnnConvolutionForward: y: overlaps x",
    "convolution with turned windows":
        "cudnnSetConvolution2dDescriptor: mode: N is not CUDNN_CROSS_CORRELATION, which "
        "networks are made of",
    "copied into nothing": "cudaMemcpyAsync: dst: is NULL, not host memory",
    "copied past the end":
        "cudaMemcpyAsync: dst: N bytes, of which only N are in its block of N bytes",
    "copied the wrong way": "cudaMemcpyAsync: dst: is device memory, not host memory",
    "cuBLAS handle as one of cuDNN":
        "cudnnSetStream: handle: is a cuBLAS handle, not a cuDNN handle",
    "cuBLAS handle never destroyed": "exit: leak: a cuBLAS handle of cublasCreate was never freed",
    "cuBLAS's workspace not aligned":
        "cublasSetWorkspace: workspace: N bytes, of which only N are in its block of N bytes",
    "cuBLAS's workspace of the host":
        "cublasSetWorkspace: workspace: is host memory, not device memory",
    "cuDNN handle never destroyed": "exit: leak: a cuDNN handle of cudnnCreate was never freed",
    "default stream destroyed":
        "cudaStreamDestroy: stream: is the default stream, which nobody destroys",
    "descriptor destroyed twice":
        "cudnnDestroyTensorDescriptor: descriptor: a tensor descriptor that "
        "cudnnDestroyTensorDescriptor destroyed",
    "descriptor never destroyed":
        "exit: leak: a tensor descriptor of cudnnCreateTensorDescriptor was never freed",
    "descriptor of another type":
        "cudnnSetTensor4dDescriptor: dataType: data type N is neither CUDNN_DATA_FLOAT nor CUDNN_DATA_BFLOAT16",
    "descriptor that is not set": "cudnnGetConvolutionForwardWorkspaceSize: xDesc: was never set",
    "destroyed cuBLAS handle": "cublasSgemm: handle: a cuBLAS handle that cublasDestroy destroyed",
    "destroyed cuDNN handle":
        "cudnnConvolutionForward: handle: a cuDNN handle that cudnnDestroy destroyed",
    "destroyed stream": "mx_kernel_pad: stream: a stream that cudaStreamDestroy destroyed",
    "dimension of nothing": "cudnnSetTensor4dDescriptor: dimension: N is not above N",
    "factor in host memory": "cublasSgemm: B: is host memory, not device memory",
    "filter as a tensor":
        "cudnnConvolutionForward: xDesc: is a filter descriptor, not a tensor descriptor",
    "flags of nothing": "cudaStreamCreateWithFlags: flags: 0xN has bits that mean nothing",
    "float32 as half precision":
        "cudnnSetConvolutionMathType: mathType: N lets float32 be rounded to half precision",
    "freed in the middle": "cudaFree: devPtr: is not the beginning of device memory",
    "freed pointer in a kernel's arguments":
        "mx_kernel_pad: args+N: device memory that cudaFree freed",
    "freed twice": "cudaFree: devPtr: was freed before, by cudaFree",
    "grid of no blocks": "mx_kernel_pad: grid: N x N x N has no block",
    "grid too high": "mx_kernel_pad: grid: N x N x N is larger than N x N x N",
    "host memory as device memory": "cudaMemcpyAsync: dst: is host memory, not device memory",
    "host memory freed": "cudaFree: devPtr: is no device memory",
    "host pointer in a kernel's arguments":
        "mx_kernel_pad: args+N: holds the address of host memory",
    "host reads device memory": "memory: address: host code touches device memory",
    "input and output exchanged":
        "cudnnConvolutionBackwardData: wDesc: N channels in each of N groups, of N channels",
    "kernel past the end of its output":
        "mx_kernel_pad: args.in: N bytes, of which only N are in its block of N bytes",
    "leading dimension too small": "cublasSgemm: lda: N is less than the N rows of the matrix",
    "missing wait":
        "cudnnConvolutionForward: x: reads memory that mx_kernel_pad writes on "
        "another stream: no event, stream or host waits in between",
    "missing wait between libraries":
        "cudnnConvolutionBackwardData: workSpace: writes memory that "
        "cudnnConvolutionBackwardFilter writes on another stream: no event, stream or host "
        "waits in between",
    "negative size": "cublasSgemm: m, n, k: N, N, -N are not all N or more",
    "never freed": "exit: leak: N bytes of cudaMalloc were never freed",
    "no kind of copy": "cudaMemcpyAsync: kind: N is no kind of copy",
    "no operation": "cublasSgemm: transb: N is neither CUBLAS_OP_N nor CUBLAS_OP_T",
    "no such algorithm": "cudnnConvolutionForward: algo: N is none",
    "no way of computing": "cublasSetMathMode: mode: N is no mode that this project uses",
    "product into its own factor": "cublasSgemm: A: overlaps C",
    "product of unaligned memory": "cublasSgemm: A: must be aligned to N bytes",
    "product on a stream that nobody waits for":
        "mx_kernel_finish: args.y: writes memory that cublasSgemm writes on another stream: no "
        "event, stream or host waits in between",
    "product past the end": "cublasSgemm: B: N bytes, of which only N are in its block of N bytes",
    "scalar on the device": "cublasSgemm: alpha: is device memory, not host memory",
    "stream destroyed twice":
        "cudaStreamDestroy: stream: a stream that cudaStreamDestroy destroyed",
    "stream of the handle destroyed":
        "cublasSgemm: handle's stream: a stream that cudaStreamDestroy destroyed",
    "sums that do not repeat": "cudnnConvolutionBackwardFilter: algo: N does not repeat its sums",
    "too much shared memory": "mx_kernel_pad: shared memory: N bytes, of which N are allowed",
    "unknown kernel": "mx_kernel_of_nobody: kernel: has no driver in tests/fakegpu/kernels.c",
    "used after fork":
        "cudaDeviceSynchronize: process: CUDA was used before fork(); a child cannot use it",
    "workspace not aligned": "cudnnConvolutionForward: workSpace: must be aligned to N bytes",
    "workspace of the host":
        "cudnnConvolutionForward: workSpace: is host memory, not device memory",
    "workspace over the output": "cudnnConvolutionForward: y: overlaps workSpace",
    "workspace too small":
        "cudnnConvolutionForward: workSpaceSizeInBytes: N, and the algorithm needs N",
    "wrong number of groups":
        "cudnnGetConvolutionForwardWorkspaceSize: wDesc: N channels in each of N groups, of "
        "N channels",
    "wrong padding":
        "cudnnGetConvolutionForwardWorkspaceSize: yDesc: is N x N x N x N, and the "
        "convolution gives N x N x N x N",
}
RACE = "on another stream: no event, stream or host waits in between"
STREAMS = {
    "missing event wait":
        f"cudaMemcpyAsync: src: reads memory that cudaMemcpyAsync writes {RACE}",
    "wait with flags": "cudaStreamWaitEvent: flags: 0xN is not N",
    "answer that was not waited for":
        "memory: address: host code touches pinned memory that work uses and it has not waited for",
    "copy onto itself": "cudaMemcpyAsync: dst: overlaps src",
    "pinned memory freed while it is copied":
        "cudaFreeHost: ptr: the host writes or frees it while cudaMemcpyAsync that was not waited "
        "for reads it",
    "more than pinned memory has":
        "cudaMemcpyAsync: src: N bytes, of which only N are in its block of N bytes",
    "pageable memory in a graph":
        "cudaMemcpyAsync: src: is pageable memory, which a graph cannot copy",
    "filled past the end":
        "cudaMemsetAsync: devPtr: N bytes, of which only N are in its block of N bytes",
    "pinned memory never freed": "exit: leak: N bytes of cudaMallocHost were never freed",
    "pinned memory freed twice": "cudaFreeHost: ptr: was freed before, by cudaFreeHost",
    "stream destroyed twice":
        "cudaStreamDestroy: stream: a stream that cudaStreamDestroy destroyed",
    "default stream destroyed":
        "cudaStreamDestroy: stream: is the default stream, which nobody destroys",
    "flags of nothing": "cudaStreamCreateWithFlags: flags: 0xN has bits that mean nothing",
    "capture in a capture": "cudaStreamBeginCapture: stream: is being captured already",
    "default stream captured":
        "cudaStreamBeginCapture: stream: is the default stream, which cannot be captured",
    "capture ended twice": "cudaStreamEndCapture: stream: is not being captured",
    "graph launched after its end": "cudaGraphLaunch: graphExec: an executable graph that "
                                    "cudaGraphExecDestroy destroyed",
    "graph never destroyed": "exit: leak: an executable graph of cudaGraphInstantiate was never "
                             "freed",
}
FEED = {
    "work before its copy":
        f"mx_kernel_batch: args.samples: reads memory that cudaMemcpyAsync writes {RACE}",
    "copy over what is still read":
        f"cudaMemcpyAsync: dst: writes memory that mx_kernel_batch reads {RACE}",
    "pinned memory filled too early":
        "memory: address: host code touches pinned memory that work uses and it has not waited for",
}
LIBRARIES = {
    "strides that overlap":
        "cudnnSetTensor4dDescriptorEx: strides: elements reach over the stride N: they "
        "overlap",
    "stride too large":
        "cudnnConvolutionForward: y: N bytes, of which only N are in its block of N bytes",
    "convolution of freed memory": "cudnnConvolutionForward: x: device memory that cudaFree freed",
}
FOURIER = {
    "plan that nobody made": "cufftSetAutoAllocation: plan: N is no plan of cufftCreate",
    "plan destroyed before it was made":
        "cufftSetAutoAllocation: plan: a cuFFT plan that cufftDestroy destroyed",
    "plan that was not made":
        "cufftSetWorkArea: plan: was never made: what it transforms is not known",
    "transform of another type": "cufftMakePlanMany: type: N is not CUFFT_C2R",
    "transform of one axis": "cufftMakePlanMany: rank: N is not the N of an image",
    "transform of nothing": "cufftMakePlanMany: n: N images of N x N",
    "whole spectra instead of halves":
        "cufftMakePlanMany: inembed: one is N numbers after the other, and has N",
    "embedded images": "cufftMakePlanMany: onembed: is not NULL: this project's images lie one "
                       "behind the other",
    "more images than there is room for":
        "cufftExecC2R: idata: N bytes, of which only N are in its block of N bytes",
    "work area of the host":
        "cufftSetWorkArea: workArea: is host memory, not device memory",
    "no work area":
        "cufftExecC2R: plan: has no work area: cufftSetWorkArea gives it one",
    "transform on the default stream":
        f"cufftExecC2R: idata: writes memory that cudaMemcpyAsync writes {RACE}",
    "transform on a destroyed stream":
        "cufftExecC2R: plan's stream: a stream that cudaStreamDestroy destroyed",
    "transform into its input": "cufftExecC2R: odata: overlaps idata",
    "transform of the host's memory": "cufftExecC2R: idata: is host memory, not device memory",
    "transform of unaligned memory": "cufftExecC2R: idata: must be aligned to N bytes",
    "transform of freed memory": "cufftExecC2R: odata: device memory that cudaFree freed",
    "spectrum of no real image": "cufftExecC2R: idata: column N is not the mirror image of "
                                 "itself: no real image has it",
    "plan destroyed before its use": "cufftExecC2R: plan: a cuFFT plan that cufftDestroy destroyed",
    "plan destroyed twice": "cufftDestroy: plan: a cuFFT plan that cufftDestroy destroyed",
    "plan never destroyed": "exit: leak: a cuFFT plan of cufftCreate was never freed",
}
NCCL = {
    "configuration that was not begun": "ncclCommInitRankConfig: config: does not begin as "
                                        "NCCL_CONFIG_INITIALIZER",
    "identifier of nobody":
        "ncclCommInitRankConfig: commId: was not made by ncclGetUniqueId",
    "rank beyond the last": "ncclCommInitRankConfig: rank: N is not one of N",
    "sum of host memory": "ncclAllReduce: sendbuff: is host memory, not device memory",
    "sum past the end":
        "ncclAllReduce: recvbuff: N bytes, of which only N are in its block of N bytes",
    "buffers that overlap": "ncclAllReduce: recvbuff: overlaps sendbuff without being the same",
    "another count than the others":
        "ncclAllReduce: all arguments: rank N calls something else than rank N",
    "average": "ncclAllReduce: op: N is none that this project uses",
    "half precision": "ncclAllReduce: datatype: N is none that this project uses",
    "next collective too early": "ncclAllReduce: comm: a call before is in progress: ask "
                                 "ncclCommGetAsyncError first",
    "collective on a destroyed stream":
        "ncclAllReduce: stream: a stream that cudaStreamDestroy destroyed",
    "communicator never destroyed": "exit: leak: a NCCL communicator of ncclCommInitRankConfig "
                                    "was never freed",
    "finalized twice": "ncclCommFinalize: comm: a call before is in progress: ask "
                       "ncclCommGetAsyncError first",
    "destroyed before it is final": "ncclCommDestroy: comm: its finalization is in progress: ask "
                                    "ncclCommGetAsyncError first",
    "communicator destroyed twice": "ncclCommDestroy: comm: a NCCL communicator that "
                                    "ncclCommDestroy destroyed",
}
FORWARD = "CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD"
OPERATIONS = "cudnnBackendFinalize: CUDNN_ATTR_OPERATIONGRAPH_OPS"
IDENTIFIERS = "CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS"
GRAPH = {
    "descriptor that nobody uses":
        "cudnnBackendCreateDescriptor: descriptorType: N is none that this project uses",
    "part of a graph never destroyed": "exit: leak: a backend descriptor of "
                                       "cudnnBackendCreateDescriptor was never freed",
    "part of a graph destroyed twice":
        "cudnnBackendDestroyDescriptor: descriptor: a backend descriptor that "
        "cudnnBackendDestroyDescriptor destroyed",
    "part destroyed that others refer to": "cudnnBackendDestroyDescriptor: descriptor: is an "
                                           "operation that N living descriptors refer to",
    "attribute that this project does not set": "cudnnBackendSetAttribute: attributeName: N is "
                                                "none of a tensor that this project uses",
    "dimensions of 32 bits": "cudnnBackendSetAttribute: CUDNN_ATTR_TENSOR_DIMENSIONS: is set or "
                             "asked for as type N, and has type N",
    "three dimensions":
        "cudnnBackendSetAttribute: CUDNN_ATTR_TENSOR_DIMENSIONS: N elements, not N to N",
    "attribute that was forgotten":
        "cudnnBackendFinalize: CUDNN_ATTR_TENSOR_UNIQUE_ID: was never set",
    "set after it was finalised": "cudnnBackendSetAttribute: descriptor: is a tensor that was "
                                  "finalised: nothing more can be set",
    "finalised twice over":
        "cudnnBackendFinalize: descriptor: is a tensor that was finalised before",
    "image that is not finalised":
        f"cudnnBackendSetAttribute: {FORWARD}_X: is a tensor that was not finalised",
    "convolution of no tensor":
        f"cudnnBackendSetAttribute: {FORWARD}_X: is a convolution, not a tensor",
    "images that overlap": "cudnnBackendFinalize: strides: elements reach over the stride N: they "
                           "overlap",
    "graph of row-major bfloat16":
        f"cudnnBackendFinalize: {FORWARD}_X: bfloat16 is supported channels-last alone",
    "more padding than the result has":
        f"cudnnBackendFinalize: {FORWARD}_Y: is N x N x N x N, and the convolution gives "
        "N x N x N x N",
    "padding of one side": "cudnnBackendFinalize: CUDNN_ATTR_CONVOLUTION_POST_PADDINGS: is not as "
                           "PRE_PADDINGS: this project pads such images itself",
    "graph that adds in bfloat16":
        "cudnnBackendFinalize: CUDNN_ATTR_CONVOLUTION_COMP_TYPE: N is not N",
    "twice the result": f"cudnnBackendFinalize: {FORWARD}_ALPHA: N is not N",
    "one identifier for two tensors": f"{OPERATIONS}: two tensors have the identifier N",
    "operations in another order":
        f"{OPERATIONS}: an operation does not take the result of the one before",
    "graph without its last part": f"{OPERATIONS}: the last result is virtual: it lies nowhere",
    "bias of another type":
        f"{OPERATIONS}: data type N is added, and that of the images is N",
    "plan asked too early": "cudnnBackendGetAttribute: descriptor: is a plan that was not "
                            "finalised: nothing is known of it yet",
    "results into an engine": "cudnnBackendGetAttribute: CUDNN_ATTR_ENGINEHEUR_RESULTS: is an "
                              "engine, not a configuration",
    "notes that nobody counts":
        "cudnnBackendGetAttribute: elementCount: is NULL, not host memory",
    "engine that is compiled": "cudnnBackendExecute: executionPlan: its engine is compiled when it "
                               "runs, and a sweep would wait",
    "workspace too small for a plan":
        "cudnnBackendExecute: workspace: N bytes, of which only N are in its block of N bytes",
    "plan's workspace not aligned": "cudnnBackendExecute: workspace: must be aligned to N bytes",
    "plan's workspace over its result": "cudnnBackendExecute: y: overlaps workspace",
    "more identifiers than pointers": f"cudnnBackendFinalize: {IDENTIFIERS}: N, and N pointers",
    "tensor missing from the pack":
        f"cudnnBackendExecute: {IDENTIFIERS}: tensor N of the graph is missing",
    "tensor twice in the pack": f"cudnnBackendFinalize: {IDENTIFIERS}: N is there twice",
    "tensor of no graph":
        f"cudnnBackendExecute: {IDENTIFIERS}: N is no tensor of the graph that lies in memory",
    "image in host memory": "cudnnBackendExecute: x: is host memory, not device memory",
    "image that is not aligned": "cudnnBackendExecute: x: must be aligned to N bytes",
    "image freed before its plan runs":
        "cudnnBackendExecute: x: device memory that cudaFree freed",
    "graph into its own image": "cudnnBackendExecute: y: overlaps x",
    "plan and pack exchanged": "cudnnBackendExecute: executionPlan: is a variant pack, not a plan",
    "plan by a destroyed handle":
        "cudnnBackendExecute: handle: a cuDNN handle that cudnnDestroy destroyed",
    "plan on a stream that nobody waits for":
        f"cudaMemcpy: src: reads memory that cudnnBackendExecute writes {RACE}",
}
# The same calls of the runtime as elsewhere, here those of a group of GPUs.
GROUP = NCCL | {
    "block too small":
        "cudaMemcpyAsync: dst: N bytes, of which only N are in its block of N bytes",
    "never freed": "exit: leak: N bytes of cudaMalloc were never freed",
    "freed twice": "cudaFree: devPtr: was freed before, by cudaFree",
    "answer that was not waited for": STREAMS["answer that was not waited for"],
    "more than pinned memory has": STREAMS["more than pinned memory has"],
    "pinned memory freed while it is copied": STREAMS["pinned memory freed while it is copied"],
    "pinned memory never freed": STREAMS["pinned memory never freed"],
    "pinned memory freed twice": STREAMS["pinned memory freed twice"],
    "stream destroyed twice": STREAMS["stream destroyed twice"],
    "flags of nothing": STREAMS["flags of nothing"],
}
NVML = {
    "library never initialised": "nvmlSystemGetDriverVersion: library: was never initialised",
    "library initialised twice": "exit: leak: nvmlInit_v2 without its nvmlShutdown",
    "library never shut down": "exit: leak: nvmlInit_v2 without its nvmlShutdown",
    "library shut down twice": "nvmlShutdown: library: was shut down",
    "library used after its end": "nvmlDeviceGetCount_v2: library: was shut down",
    "library used after fork":
        "nvmlDeviceGetCount_v2: process: was initialised before fork(); a child begins anew",
    "too little room for a version":
        "nvmlSystemGetDriverVersion: version: has room for N characters, and may get N",
    "too little room for a UUID": "nvmlDeviceGetUUID: uuid: has room for N characters, and may get N",
    "too little room for a name": "nvmlDeviceGetName: name: has room for N characters, and may get N",
    "version of CUDA into nothing": "nvmlSystemGetCudaDriverVersion_v2: version: is NULL",
    "count into nothing": "nvmlDeviceGetCount_v2: count: is NULL",
    "GPU beyond the last one": "nvmlDeviceGetHandleByIndex_v2: index: N is not one of N",
    "UUID of nothing": "nvmlDeviceGetHandleByUUID: uuid: is NULL",
    "UUID without its beginning": "nvmlDeviceGetHandleByUUID: uuid: 'fa4e' is none",
    "device of nothing": "nvmlDeviceGetName: device: is NULL",
    "device that was never given out": "nvmlDeviceGetUUID: device: was never given out",
    "device of an earlier start":
        "nvmlDeviceGetMemoryInfo: device: was given out before the library was shut down",
    "device between two others":
        "nvmlDeviceGetTotalEnergyConsumption: device: was never given out",
    "number for a device": "nvmlDeviceGetMinorNumber: device: was never given out",
    "memory into nothing": "nvmlDeviceGetMemoryInfo: memory: is NULL",
    "load into nothing": "nvmlDeviceGetUtilizationRates: share: is NULL",
    "processes into nothing": "nvmlDeviceGetComputeRunningProcesses_v3: list: is NULL",
    "errors of no type": "nvmlDeviceGetTotalEccErrors: errorType: N is none",
    "errors of no time": "nvmlDeviceGetTotalEccErrors: counterType: -N is none",
    "rows into nothing": "nvmlDeviceGetRemappedRows: pending: is NULL",
    "mode into nothing": "nvmlDeviceGetComputeMode: mode: is NULL",
    "cores into nothing": "nvmlDeviceGetNumGpuCores: cores: is NULL",
    "clock of no type": "nvmlDeviceGetMaxClockInfo: type: N is none",
    "mode of parts into nothing": "nvmlDeviceGetMigMode: pending: is NULL",
    "number of parts into nothing": "nvmlDeviceGetMaxMigDeviceCount: count: is NULL",
    "part beyond the last one": "nvmlDeviceGetMigDeviceHandleByIndex: index: N is not one of N",
    "instance of a whole GPU":
        "nvmlDeviceGetGpuInstanceId: device: is a whole GPU, which is no instance",
    "instance into nothing": "nvmlDeviceGetComputeInstanceId: id: is NULL",
}
PROGRAMS = {"fakegpu_planted_batch": BATCH, "fakegpu_planted_network": NETWORK,
            "fakegpu_planted_streams": STREAMS,
            "fakegpu_planted_libraries": LIBRARIES, "fakegpu_planted_group": GROUP,
            "fakegpu_planted_nvml": NVML,
            "fakegpu_planted_nccl":
                {"root of nobody": "ncclBroadcast: root: N is not one of N ranks"}}


# Of test_operations_cuda.c: convolutions for which the stand-in has no engine, kernels around them, a product.
CASES = "4x4, in groups; linear over an image; 4x4, padded"

# For the management library: a GPU with a part, and a whole one.
MANAGED = {"LD_LIBRARY_PATH": str(pathlib.Path(os.environ["MX_FAKE_NVML"]).parent), "MX_FAKE_GPUS": "2",
           "MX_FAKE_GPU_0": "mig=1"}


def run(program, **environment):
    return subprocess.run([BUILD / program], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "MX_FAKEGPU_DEVICES": "3", "MX_ONLY": CASES, **MANAGED,
                               **environment})


PROGRAMS.update({"fakegpu_planted_feed": FEED, "fakegpu_planted_fourier": FOURIER,
                 "fakegpu_planted_graph": GRAPH})


class Planted(unittest.TestCase):
    def test_each_misuse_is_found_and_named(self):
        pairs = [(program, plant) for program, plants in PROGRAMS.items() for plant in plants]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = pool.map(lambda pair: run(pair[0], MX_PLANT=pair[1]), pairs)
            for (program, plant), done in zip(pairs, results):
                with self.subTest(program=program, plant=plant):
                    line = f"fakegpu: misuse: {PROGRAMS[program][plant]}\n"
                    said = re.sub(r"(?<![A-Za-z0-9])(0x)?\d+", r"\1N", done.stderr)
                    # Other ranks of a collective may see that its arguments differ as well.
                    self.assertIn(said, {line * k for k in (1, 2, 3)})
                    self.assertEqual(done.returncode, MISUSE)

    def test_without_one_the_program_passes_in_every_order(self):
        for program in PROGRAMS:
            for order in ("late", "eager", "1", "2", "3"):
                with self.subTest(program=program, order=order):
                    done = run(program, MX_FAKEGPU_ORDER=order)
                    self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def test_none_is_planted_and_not_expected(self):
        text = "".join(file.read_text() for file in HERE.glob("planted*.c"))
        planted = set(re.findall(r'planted\("([^"]+)"\)', text))
        expected = {plant for plants in PROGRAMS.values() for plant in plants}
        self.assertEqual(planted, expected)
        self.assertGreaterEqual(len(planted), 25)

    def test_each_family_of_calls_has_some_and_the_management_library_one_of_each_call(self):
        """A stand-in names its call as the vendor's header does, which may add a version; launches are named by
        their kernel, and belong to what nvcc writes."""
        rows = [row for row in re.findall(r"^\| (\w+) \| (\w+) \|", (HERE / "calls.md").read_text(), re.MULTILINE)
                if row != ("family", "call")]
        said = [line for plants in PROGRAMS.values() for line in plants.values()]

        def found(call):
            return any(line.startswith(f"{re.sub('_v[0-9]+$', '', call)}: ") or line.startswith(f"{call}: ")
                       or f" {call} " in line for line in said)
        families = {family for family, call in rows if found(call)}
        if any(line.startswith("mx_kernel_") for line in said):
            families.add("nvcc")
        self.assertEqual(families, {family for family, _ in rows})
        self.assertEqual([call for family, call in rows if family == "nvml" and not found(call)], [])


if __name__ == "__main__":
    unittest.main()
