"""doctor says what the machine has, in words and as JSON. ctest: quick"""
import json
import os
import resource

from harness import Case, main


class Doctor(Case):
    def checks(self, code=0, **options):
        out, err = self.mixsweep("doctor", "--json", code=code, **options)
        self.assertEqual(err, "")
        report = json.loads(out)
        self.assertEqual(list(report), ["checks"])
        for check in report["checks"]:
            self.assertEqual(list(check), ["name", "state", "text", "hint"])
            self.assertIn(check["state"], ("ok", "warn", "fail", "absent"))
            self.assertNotEqual(check["text"], "")
            if check["state"] in ("warn", "fail"):
                self.assertTrue(check["hint"], check)
        found = {check["name"]: check for check in report["checks"]}
        self.assertEqual(len(found), len(report["checks"]))
        return found

    def test_every_part_of_the_machine_is_looked_at(self):
        self.assertEqual(set(self.checks()),
                         {"processor", "memory", "open files", "limits", "disk", "shared memory",
                          "cache", "mixsweep", "oneDNN", "MPI", "Slurm", "GPU", "GPU driver",
                          "CUDA runtime", "cuDNN", "NCCL", "data sets"})

    def test_the_text_says_what_the_json_says(self):
        out, _ = self.mixsweep("doctor")
        for line in out.splitlines():
            self.assertLessEqual(len(line), 92, line)
        words = " ".join(out.split())
        for name, check in self.checks().items():
            if name not in ("memory", "disk", "shared memory", "cache"):  # bytes that change
                self.assertIn(f"{check['state']} {name} {' '.join(check['text'].split())}", words)
                self.assertIn(check["hint"] or "", words)

    def test_no_gpu_is_plainly_absent(self):
        checks = self.checks()
        if os.path.exists("/proc/driver/nvidia/version"):
            self.assertNotEqual(checks["GPU"]["state"], "absent")
            return
        self.assertEqual((checks["GPU"]["state"], checks["GPU"]["text"], checks["GPU"]["hint"]),
                         ("absent", "no GPU is seen: sweeps run on the CPU", None))
        self.assertEqual(checks["GPU driver"]["state"], "absent")

    def pretend(self, gpus, **special):
        """The environment of a machine with GPUs that are not there."""
        folder = os.path.dirname(os.environ["MX_FAKE_NVML"])
        return dict(os.environ, LD_LIBRARY_PATH=folder, MX_FAKE_GPUS=str(gpus),
                    **{f"MX_FAKE_{key}": value for key, value in special.items()})

    def test_each_gpu_is_told_with_what_is_wrong_and_how_to_mend_it(self):
        checks = self.checks(env=self.pretend(4, GPU_0="load=40", GPU_1="ecc=2", GPU_2="mig=1",
                                              GPU_3="foreign=4711:3000"))
        self.assertEqual(checks["GPU driver"]["text"], "580.95.05, for CUDA up to 13.0")
        self.assertIn("2 of 4 can be used; MPS does not run", checks["GPU"]["text"])
        self.assertEqual(checks["GPU 0"],
                         {"name": "GPU 0", "state": "ok", "hint": None,
                          "text": "NVIDIA Pretended 80GB, 81559 MiB, 40 % busy, "
                                  "GPU-fa4e0000-0000-4000-8000-000000000000"})
        self.assertIn("; left out: 2 uncorrected memory errors (ECC) since the driver was loaded",
                      checks["GPU 1"]["text"])
        self.assertIn("nvidia-smi --gpu-reset", checks["GPU 1"]["hint"])
        self.assertIn("divided: sweeps use its MIG devices", checks["GPU 2"]["text"])
        self.assertIn("MIG-fa4e0002-", checks["GPU 2.0"]["text"])
        self.assertEqual((checks["GPU 3"]["state"], checks["GPU 3"]["hint"]),
                         ("warn", "end that process, or hide the GPU with CUDA_VISIBLE_DEVICES"))
        checks = self.checks(env=self.pretend(2, GPU_0="lost"))  # what it does not tell is not told
        self.assertEqual(checks["GPU 0"]["text"], "GPU, GPU 0; left out: it has fallen off the bus")

    def test_gpus_that_the_environment_hides_are_named(self):
        checks = self.checks(env=dict(self.pretend(2), CUDA_VISIBLE_DEVICES="1"))
        self.assertIn("1 of 1 can be used", checks["GPU"]["text"])
        self.assertIn("hidden from sweeps by the environment", checks["GPU 0"]["text"])
        self.assertNotIn("hidden", checks["GPU 1"]["text"])

    def test_usable_processors_are_those_of_the_affinity(self):
        one = next(iter(os.sched_getaffinity(0)))
        checks = self.checks(preexec_fn=lambda: os.sched_setaffinity(0, {one}))
        self.assertRegex(checks["processor"]["text"], r"; 1 CPUs usable")

    def test_few_files_and_a_limit_of_time_are_warned_of(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            resource.setrlimit(resource.RLIMIT_CPU, (3600, 3600))
        checks = self.checks(preexec_fn=limit)
        self.assertEqual((checks["open files"]["state"], checks["open files"]["text"]),
                         ("warn", "at most 64 for each process"))
        self.assertEqual((checks["limits"]["state"], checks["limits"]["text"], checks["limits"]["hint"]),
                         ("warn", "CPU time 3600", "ulimit -t unlimited"))

    def test_without_a_launcher_in_the_path_mpi_is_warned_of_or_not_built(self):
        check = self.checks(env={**os.environ, "PATH": "/nowhere"})["MPI"]
        if check["text"].startswith("not built in"):
            self.assertEqual(check["state"], "absent")
        else:
            self.assertEqual(check["state"], "warn")
            self.assertRegex(check["text"], r"^.+ is built in, and there is no mpirun$")

    def test_an_mpirun_of_another_mpi_is_named(self):
        self.write("bin/mpirun", "#!/bin/sh\necho 'mpirun (Another MPI) 99.1'\n").chmod(0o755)
        check = self.checks(env={**os.environ, "PATH": f"{self.folder}/bin"})["MPI"]
        if check["state"] == "absent":
            return  # built without
        self.assertEqual(check["state"], "warn")
        self.assertIn("mpirun (Another MPI) 99.1", check["text"])
        self.assertIn("this mpirun is of another MPI than the program", check["hint"])

    def test_a_cache_that_cannot_be_made_is_warned_of(self):
        self.write("file", "")
        check = self.checks(env={**os.environ, "MIXSWEEP_CACHE": f"{self.folder}/file/cache"})["cache"]
        self.assertEqual(check["state"], "warn")
        self.assertIn("MIXSWEEP_CACHE", check["hint"])

    def test_what_is_wrong_is_said_in_a_line(self):
        self.assertEqual(self.refused(2, "doctor", "now"),
                         "mixsweep: doctor does not take 'now'; mixsweep doctor --help tells more\n")
        self.assertEqual(self.refused(2, "doctor", "--jsn"),
                         "mixsweep: doctor does not take '--jsn' (did you mean --json?); mixsweep "
                         "doctor --help tells more\n")


if __name__ == "__main__":
    main()
