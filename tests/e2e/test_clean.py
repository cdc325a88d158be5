"""clean removes what schedule.keep does not keep, and nothing else. ctest: quick"""
import json
import os
import shutil

from harness import Case, main, reproducible, this_process_as_owner


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


class Clean(Case):
    def run_tiny(self, *options):
        self.tiny()
        self.mixsweep("run", "tiny.yaml", "--out", "out", *options)
        return self.folder / "out"

    def clean(self, *options, code=0):
        out, err = self.mixsweep("clean", "out", *options, code=code)
        self.assertEqual(err, "")
        return out

    def test_after_a_sweep_there_is_nothing_to_remove(self):
        for keep in ("results", "weights", "all"):
            with self.subTest(keep=keep):
                out = self.run_tiny("--set", f"schedule.keep={keep}")
                before = files(out)
                self.assertEqual(self.clean(), "out: nothing to remove\n")
                self.assertEqual(files(out), before)
                shutil.rmtree(out)

    def test_checkpoints_of_done_stages_and_half_written_files_go(self):
        out = self.run_tiny()
        before = files(out)
        stage = next((out / "stages").iterdir())
        for path, text in ((stage / "checkpoint-0.bin", "0123456789"), (stage / "x.npy.tmp.123", "abc"),
                           (out / "results.csv.tmp.77", "trial,")):
            path.write_text(text)
        more = files(out)
        said = self.clean("--dry-run")
        self.assertEqual(files(out), more)
        self.assertIn(f"  out/stages/{stage.name}/x.npy.tmp.123\n", said)
        self.assertIn("out: would remove 3 files, 19 bytes\n", said)
        self.assertEqual(self.clean(),
                         "out: removed 3 files, 19 bytes\n"
                         "  2 half-written files, 9 bytes\n"
                         "  1 checkpoints of stages that are done, 10 bytes\n")
        self.assertEqual(files(out), before)

    def test_a_stage_that_is_not_done_keeps_its_checkpoint(self):
        out = self.run_tiny()
        view = json.loads(self.mixsweep("trial", "out", reproducible(out / "results.csv")[0]["trial"],
                                        "--json")[0])
        self.mixsweep("retry", "out", "--id", view["trial"])
        checkpoint = out / "stages" / view["stages"]["train"] / "checkpoint-0.bin"
        checkpoint.write_text("0123456789")
        self.assertEqual(self.clean(), "out: nothing to remove\n")
        self.assertTrue(checkpoint.exists())

    def test_weights_go_where_only_results_are_kept_and_the_sweep_goes_on(self):
        out = self.run_tiny()
        table = reproducible(out / "results.csv")
        config = (out / "config.yaml").read_text()
        self.assertIn("keep: weights", config)
        (out / "config.yaml").write_text(config.replace("keep: weights", "keep: results"))
        weights = list((out / "stages").glob("*/weights.safetensors"))
        self.assertEqual(len(weights), 5)
        size = sum(path.stat().st_size for path in weights)
        said = self.clean()
        self.assertIn("  5 files for stages that are done too (schedule.keep results), ", said)
        self.assertIn(f"out: removed 5 files, {size / 1000:.1f} kB\n", said)
        self.assertEqual([name for name in files(out) if name.endswith("safetensors")], [])
        self.assertEqual(len(list((out / "stages").glob("*/history.csv"))), 5)
        self.mixsweep("resume", "out")
        self.assertEqual(reproducible(out / "results.csv"), table)

    def test_folders_that_are_not_known_are_left_alone(self):
        out = self.run_tiny()
        self.write("out/stages/0123456789abcdef0123456789abcdef/weights.safetensors", "precious")
        self.write("out/stages/mine/notes.txt", "precious")
        self.assertEqual(self.clean(), "out: nothing to remove\nleft alone: 2 in out/stages that "
                                       "this configuration and version do not know\n")
        self.assertTrue((out / "stages/mine/notes.txt").exists())

    def test_a_sweep_that_runs_is_not_cleaned(self):
        out = self.run_tiny()
        (out / "x.tmp.5").write_text("x")
        (out / "owner.json").write_text(json.dumps(this_process_as_owner(1)))
        err = self.refused(4, "clean", "out")
        self.assertIn("out", err)
        self.assertTrue((out / "x.tmp.5").exists())
        self.assertIn(str(os.getpid()), err)

    def test_what_is_wrong_is_said_in_a_line(self):
        self.assertIn("clean takes one DIR; mixsweep clean --help tells more", self.refused(2, "clean"))
        self.assertIn("there is no nowhere", self.refused(2, "clean", "nowhere"))


if __name__ == "__main__":
    main()
