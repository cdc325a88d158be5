"""bench --device cuda through the real backend: rows, names and what the GPU is called. Numbers are those of
a CPU and prove nothing; the device's name says so wherever they stand. ctest: quick timeout=120"""
import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["MX_SOURCE_DIR"]) / "tests/e2e"))
from harness import PROGRAM, Case, main  # noqa: E402

SMALL = ("--batch", 2, "--size", 8)


class Bench(Case):
    program = os.environ["MX_FAKEGPU_PROGRAM"]

    def bench(self, *args):
        out, err = self.mixsweep("bench", *args, "--device", "cuda", "--json", env=dict(os.environ, MX_FAKEGPU_DEVICES="1"))
        self.assertEqual(err, "")
        report = json.loads(out)
        self.assertEqual(list(report), ["bench", "version", "host", "device", "threads", "gpu", "results"])
        self.assertEqual(report["device"], "Pretended GPU")
        self.assertEqual(report["gpu"]["compute_capability"], "8.0")
        self.assertEqual(report["gpu"]["multiprocessors"], 108)
        for row in report["results"]:
            self.assertTrue(0 < row["min"] <= row["value"] <= row["max"], row)
        return report

    def test_training_and_its_convolutions(self):
        report = self.bench("train", "resnet8", *SMALL)
        self.assertEqual([(row["name"], row["unit"]) for row in report["results"]],
                         [("train.resnet8.b2.s8", "images/s"), ("convolutions.resnet8.b2.s8", "images/s")])
        peak = report["gpu"]["peak_gflops"]
        self.assertAlmostEqual(peak["f32"], 2 * 64 * 108 * 1.41, places=3)
        for row in report["results"]:
            self.assertAlmostEqual(row["peak_share"], row["gflops"] / peak["f32"])

    def test_inference_in_another_arithmetic(self):
        report = self.bench("infer", "linear", *SMALL, "--precision", "tf32", "--any-order")
        (row,) = report["results"]
        self.assertEqual(row["name"], "infer.linear.b2.s8.tf32.any_order")
        self.assertAlmostEqual(row["peak_share"], row["gflops"] / report["gpu"]["peak_gflops"]["tf32"])

    def test_norms_beside_a_copy(self):
        report = self.bench("norm", "--batch", 1)
        self.assertEqual([row["name"] for row in report["results"]],
                         [f"norm.{what}.1x{shape}" for shape in ("16x32x32", "64x32x32", "64x112x112")
                          for what in ("copy", "forward", "backward")])
        for row in report["results"]:
            self.assertEqual(row["unit"], "GB/s")
            self.assertAlmostEqual(row["peak_share"], row["value"] / report["gpu"]["peak_gbytes"])

    def test_curves_beside_plain_inference(self):
        report = self.bench("deletion", "linear", "--batch", 1, "--size", 8)
        self.assertEqual([(row["name"], row["unit"]) for row in report["results"]],
                         [(f"{what}.linear.{fill}.b1.s8", unit) for fill in ("zero", "blur", "road")
                          for what, unit in (("deletion", "share"), ("curves", "images/s"))])

    def test_the_table_begins_with_what_was_measured(self):
        out, _ = self.mixsweep("bench", "infer", "linear", *SMALL, "--device", "cuda",
                               env=dict(os.environ, MX_FAKEGPU_DEVICES="1"))
        self.assertTrue(out.startswith("Pretended GPU, compute capability 8.0: 108 multiprocessors at up to 1410 MHz\n"), out)
        self.assertIn("f32 19.5 TFLOP/s, tf32 155.9 TFLOP/s, bf16 311.9 TFLOP/s, memory 1555 GB/s", out)

    def test_without_a_gpu_it_says_why(self):
        _, err = self.mixsweep("bench", "norm", "--device", "cuda", code=3, env=dict(os.environ, MX_FAKEGPU_DEVICES="none"))
        self.assertEqual(err, "mixsweep: no CUDA device can be used: no NVIDIA driver is installed\n")
        self.program = PROGRAM
        _, err = self.mixsweep("bench", "train", "--device", "cuda", code=3)
        self.assertIn("built without CUDA", err)


if __name__ == "__main__":
    main()
