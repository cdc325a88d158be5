"""Every planted misuse (planted.c) is found and named; without one the program passes.

ctest: quick timeout=120 """
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
PROGRAMS = {"fakegpu_planted_batch": BATCH}


def run(program, **environment):
    return subprocess.run([BUILD / program], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment})


class Planted(unittest.TestCase):
    def test_each_misuse_is_found_and_named(self):
        for program, plants in PROGRAMS.items():
            for plant, line in plants.items():
                with self.subTest(program=program, plant=plant):
                    done = run(program, MX_PLANT=plant)
                    said = re.sub(r"(?<![A-Za-z])\d+", "N", done.stderr)
                    self.assertEqual(said, f"fakegpu: misuse: {line}\n")
                    self.assertEqual(done.returncode, MISUSE)

    def test_without_one_the_program_passes_in_every_order(self):
        for program in PROGRAMS:
            for order in ("late", "eager", "1", "2", "3"):
                with self.subTest(program=program, order=order):
                    done = run(program, MX_FAKEGPU_ORDER=order)
                    self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def test_none_is_planted_and_not_expected(self):
        planted = set(re.findall(r'planted\("([^"]+)"\)', (HERE / "planted.c").read_text()))
        expected = {plant for plants in PROGRAMS.values() for plant in plants}
        self.assertEqual(planted, expected)
        self.assertGreaterEqual(len(planted), 25)


if __name__ == "__main__":
    unittest.main()
