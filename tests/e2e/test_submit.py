"""The sbatch line of a sweep, and the batch script by itself, without Slurm. ctest: quick timeout=300"""
import json
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess

from harness import (FAULTS_PROGRAM, PROGRAM, SOURCE, TIME_LIMIT_S, Case, fault_stand, main, processes_of,
                     records, rows)

SCRIPT = SOURCE / "slurm/mixsweep.sbatch"
JOB = SOURCE / "slurm/mixsweep-job.sh"
AWKWARD = "o u't/$(x) %j \"é\""


class Fakes(Case):
    """A folder of commands that stand in for Slurm's."""

    def setUp(self):
        super().setUp()
        self.bin = self.folder / "bin"

    def fake(self, name, body):
        path = self.write(f"bin/{name}", f"#!/bin/bash\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def environment(self, **more):
        return {**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}", **more}


class Submit(Fakes):
    def line(self, *args):
        """The words of the line that --dry-run prints last."""
        out, _ = self.mixsweep("submit", *args, "--dry-run")
        return shlex.split(out.rstrip("\n").split("\n")[-1])

    def test_the_line_is_printed_to_the_letter_after_the_estimate(self):
        config = self.tiny()
        out, err = self.mixsweep("submit", config, "--nodes", 2, "--cpus", 16, "--time", "2h30m",
                                 "--dry-run", "--", "-p", "gpu", "--mail-user=a b")
        self.assertEqual(err, "")
        self.assertRegex(out, r"(?s)^plan of tiny .*\ndisk .*\n +\(2 nodes of 16 executors\)\n\n")
        self.assertEqual(out.split("\n")[-2], (
            f"sbatch --job-name=tiny --nodes=2 --ntasks-per-node=1 --cpus-per-task=16 --time=150 "
            f"--signal=B:USR2@180 --requeue --open-mode=append --no-kill -p gpu "
            f"'--mail-user=a b' {SCRIPT} {JOB} tiny '' mpirun {PROGRAM} run --out=tiny --resume -- "
            f"{config}"))
        self.assertEqual(sorted(os.listdir(self.folder)), ["tiny.yaml"])

    def test_the_warning_is_a_fifth_of_the_limit_and_three_minutes_at_most(self):
        config = self.tiny()
        for time, minutes, lead in (("1m", 1, 12), ("90s", 2, 18), ("10m", 10, 120),
                                    ("15m", 15, 180), ("7d", 10080, 180)):
            line = self.line(config, "--nodes", 1, "--time", time)
            self.assertIn(f"--time={minutes}", line)
            self.assertIn(f"--signal=B:USR2@{lead}", line)
        line = self.line(config, "--nodes", 1)
        self.assertIn("--exclusive", line)
        self.assertFalse([word for word in line if word.startswith("--time")])

    def test_gpus_are_asked_for_by_the_node(self):
        config = self.tiny()
        line = self.line(config, "--nodes", 2, "--gpus", 4, "--per-gpu", 2)
        self.assertIn("--gpus-per-node=4", line)
        self.assertIn("--per-gpu=2", line)
        self.assertNotIn("--exclusive", line)
        out, _ = self.mixsweep("submit", config, "--nodes", 2, "--gpus", 4, "--dry-run")
        self.assertIn("(2 nodes of 4 executors)", out)
        self.assertRegex(out, r"GPUs? with an executor each, assumed to train at")
        self.assertRegex(out, r"\n +\S+ GPU hours, from \S+ to \S+\n")
        self.assertIn("takes --per-gpu with --gpus",
                      self.refused(2, "submit", config, "--nodes", 1, "--per-gpu", 2))

    def test_the_launcher_follows_the_number_of_ranks(self):
        config = self.tiny()
        for args, launcher in ((("--nodes", 1), "none"), (("--nodes", 1, "--tasks", 2), "mpirun"),
                               (("--nodes", 2), "mpirun"),
                               (("--nodes", 2, "--launcher", "srun"), "srun")):
            self.assertIn(launcher, self.line(config, *args)[1:])

    def test_every_word_reaches_sbatch_as_it_is(self):
        self.fake("sbatch", 'printf "%s\\0" "$@" >args; echo Submitted batch job 7')
        config = self.tiny(name="a 'config'.yaml")
        (self.folder / "site 1").mkdir()
        site = self.write("site 1/x.env", "")
        out, _ = self.mixsweep("submit", config.name, "--nodes", 3, "--tasks", 2, "--cpus", 3,
                               "--out", AWKWARD, "--site", site, "--workers", 5, "--smoke",
                               "--set", "name=it's", "--set", "repeats=2",
                               env=self.environment())
        self.assertTrue(out.endswith("\nSubmitted batch job 7\n"), out)
        words = (self.folder / "args").read_text().split("\0")[:-1]
        self.assertEqual(shlex.split(out.split("\n")[-3])[1:], words)
        self.assertEqual(words[0], "--job-name=it's")
        self.assertIn("--cpus-per-task=2", words)
        self.assertEqual(words[words.index(str(SCRIPT)):], [
            str(SCRIPT), str(JOB), AWKWARD, str(site), "mpirun", PROGRAM, "run", f"--out={AWKWARD}",
            "--resume", "--set=name=it's", "--set=repeats=2", "--smoke", "--workers=5", "--",
            "a 'config'.yaml"])

    def test_the_job_of_the_report_follows_the_sweeps(self):
        config = self.tiny()
        args = (config, "--nodes", 2, "--cpus", 2, "--out", AWKWARD, "--report")
        extra = ("--", "-p", "gpu", "--dependency=afterany:5")
        out, _ = self.mixsweep("submit", *args, "--dry-run", *extra)
        *_, sweep, report, _ = out.split("\n")
        self.assertRegex(sweep, r"^job=\$\(sbatch --parsable --job-name=tiny .*\)$")
        quoted = shlex.quote(AWKWARD).replace("'\"'\"'", "'\\''")
        self.assertEqual(report, (
            f"sbatch -p gpu --dependency=afterany:5 --job-name=tiny-report --nodes=1 --ntasks=1 "
            f"--ntasks-per-node=1 --cpus-per-task=1 --open-mode=append "
            f'--dependency=afterany:"${{job%%;*}}" {SCRIPT} {JOB} {quoted} \'\' once {PROGRAM} '
            f"report -- {quoted}"))
        self.fake("sbatch", 'printf "%s\\0" "$@" >>args; printf "\\n" >>args\n'
                            'case $1 in --parsable) echo "7;here" ;; *) echo Submitted batch job 8;; esac')
        out, _ = self.mixsweep("submit", *args, *extra, env=self.environment())
        self.assertEqual(out.split("\n")[-5:], [
            sweep, report, "Submitted batch job 7", "Submitted batch job 8", ""])
        called = (self.folder / "args").read_text()
        # What is printed does the same, given to a shell.
        (self.folder / "args").unlink()
        subprocess.run(["bash", "-c", f"{sweep}\n{report}"], cwd=self.folder, check=True,
                       env=self.environment(), stdout=subprocess.DEVNULL)
        self.assertEqual((self.folder / "args").read_text(), called)
        self.assertIn("\0--dependency=afterany:7\0", called)

    def test_a_report_that_is_not_submitted_is_told(self):
        self.fake("sbatch", 'case $1 in --parsable) echo 7;; *) exit 1;; esac')
        _, err = self.mixsweep("submit", self.tiny(), "--nodes", 1, "--report", code=3,
                               env=self.environment())
        self.assertEqual(err, "mixsweep: the sweep is job 7; its report is no job: sbatch ended with "
                              "1: nothing was submitted\n")

    def test_data_that_this_host_does_not_have_are_a_warning_with_its_reason(self):
        text = self.tiny().read_text().replace("set: synthetic", "set: cifar10, path: nowhere")
        text = "\n".join(line for line in text.split("\n"))
        config = self.write("far.yaml", re.sub(r", synthetic: \{[^}]*\}", "", text))
        _, err = self.mixsweep("submit", config, "--nodes", 1, "--dry-run")
        self.assertIn("far.yaml: warning: ", err)
        self.assertTrue(err.endswith("on this host, that is; the job ends with 3 if its nodes do not "
                                     "see the data either\n"), err)

    def test_what_sbatch_says_is_passed_on(self):
        self.fake("sbatch", 'echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2; exit 1')
        out, err = self.mixsweep("submit", self.tiny(), "--nodes", 1, code=3,
                                 env=self.environment())
        self.assertIn("sbatch: error: QOSMaxSubmitJobPerUserLimit\n", err)
        self.assertIn("mixsweep: sbatch ended with 1: nothing was submitted\n", err)
        self.assertIn("\nsbatch ", out)

    def test_without_sbatch_it_says_where_to_go(self):
        _, err = self.mixsweep("submit", self.tiny(), "--nodes", 1, code=3,
                               env={**os.environ, "PATH": str(self.bin)})
        self.assertIn("mixsweep: cannot start sbatch; submit works where Slurm's commands do, and "
                      "--dry-run only prints the line: No such file or directory\n", err)

    def test_what_is_wrong_is_said_before_anything_is_submitted(self):
        self.fake("sbatch", "touch called")
        config = self.tiny()
        self.write("there/config.yaml", "")
        for args, text in (
                ([config], "submit needs --nodes N; mixsweep submit --help tells more"),
                (["--nodes", 1], "submit takes one CONFIG; mixsweep submit --help tells more"),
                ([config, "--nodes", 0], "--nodes 0: give a number from 1 to 100000"),
                ([config, "--nodes", 1, "--time", "30s"], "submit takes a --time of a minute or more; mixsweep submit --help tells "
                                                      "more"),
                ([config, "--nodes", 1, "--launcher", "ssh"],
                 "--launcher ssh: give auto, mpirun, srun or none"),
                ([config, "--nodes", 2, "--launcher", "none"],
                 "submit starts one rank with --launcher none; mixsweep submit --help tells more"),
                ([config, "--nodes", 1, "--out", "there"],
                 "there holds a sweep already; give --resume to go on with it, or another --out"),
                ([config, "--nodes", 1, "--site", "nowhere"],
                 "--site nowhere: No such file or directory"),
                ([config, "--nodes", 1, "--script", "nowhere"],
                 "--script nowhere: No such file or directory")):
            err = self.refused(2, "submit", *args, env=self.environment())
            self.assertEqual(err, f"mixsweep: {text}\n")
        bad = self.write("bad.yaml", "name: x\nepochs: 3\n")
        _, err = self.mixsweep("submit", bad, "--nodes", 1, code=2, env=self.environment())
        self.assertIn("bad.yaml:2:1: error: ", err)
        self.assertFalse((self.folder / "called").exists())
        self.assertIn(str(SCRIPT), self.line(config, "--nodes", 1, "--out", "there", "--resume"))


class BatchScript(Fakes):
    """mixsweep.sbatch as Slurm would start it, with one rank and no Slurm."""

    def setUp(self):
        super().setUp()
        self.out = self.folder / AWKWARD
        self.config = self.tiny(repeats=1, n=128, arch="resnet8", epochs=4)
        self.script = None

    def script_start(self, *arguments, site="", program=PROGRAM, **environment):
        """FAULTS_PROGRAM stands still in its first trial."""
        environment["MX_FAULT"] = fault_stand("any", self.folder / "stood")
        arguments = arguments or (program, "run", "--out", AWKWARD, "--resume", "--workers", "1",
                                  "--", str(self.config))
        self.script = subprocess.Popen(
            [SCRIPT, JOB, AWKWARD, site, "none", *arguments], cwd=self.folder, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, env=self.environment(
                SLURM_JOB_ID="12", SLURM_JOB_NODELIST="n[1-2]", **environment))
        self.addCleanup(self.end)
        return self.script

    def end(self):
        for pid in processes_of(self.folder):
            os.kill(pid, signal.SIGKILL)
        if self.script.poll() is None:
            os.killpg(self.script.pid, signal.SIGKILL)
        self.script.communicate()

    def finish(self, code):
        out, _ = self.script.communicate(timeout=TIME_LIMIT_S)
        self.assertEqual(self.script.returncode, code, out)
        return out

    def sweep_process(self):
        """The sweep, once a trial runs."""
        self.wait_for("a trial has started", lambda: records(self.out, "started") >= 1,
                      self.script)
        return json.loads((self.out / "owner.json").read_text())["pid"]

    def warn(self):
        """Send the signal that Slurm sends before the time is over, to a sweep that stands still."""
        executor = self.standing(self.script)
        self.script.send_signal(signal.SIGUSR2)
        log = self.out / "log/sweep.log"
        self.wait_for("it is heard", lambda: "stopping now" in log.read_text(), self.script)
        os.kill(executor, signal.SIGCONT)

    def statuses(self):
        return {row["status"] for row in rows(self.out / "results.csv")}

    def test_a_sweep_is_run_to_its_end_and_its_code_is_the_jobs(self):
        self.script_start(site=str(self.write("site.env", "export FROM_SITE=here")))
        out = self.finish(0)
        self.assertRegex(out, r"mixsweep.sbatch: run 12\.0 \(SLURM_RESTART_COUNT 0\) on n\[1-2\]\n")
        self.assertIn("mixsweep.sbatch: the sweep ended with 0\n", out)
        self.assertEqual(self.statuses(), {"done"})
        (line,) = (self.out / "log/job_starts").read_text().splitlines()
        self.assertRegex(line, r"^12\.0 \S+Z n\[1-2\]$")
        self.assertIn("run 12.0", (self.out / "log/sweep.log").read_text())

    def test_a_warning_saves_the_sweep_and_puts_the_job_back_into_the_queue(self):
        self.fake("scontrol", 'echo "$@" >called; kill -KILL $PPID')  # as Slurm ends the job
        self.script_start(program=FAULTS_PROGRAM)
        self.warn()
        self.finish(-signal.SIGKILL)
        self.assertEqual((self.folder / "called").read_text(), "requeue 12\n")
        self.assertEqual((self.out / "exit_code").read_text(), "75\n")
        self.script_start(SLURM_RESTART_COUNT="1")
        out = self.finish(0)
        self.assertIn("run 12.1 (SLURM_RESTART_COUNT 1)", out)
        self.assertEqual(self.statuses(), {"done"})

    def test_where_a_job_cannot_be_requeued_it_says_how_to_go_on(self):
        self.fake("scontrol", 'echo "requeue is not for you" >&2; exit 1')
        self.script_start(program=FAULTS_PROGRAM)
        self.warn()
        out = self.finish(75)
        self.assertIn("requeue is not for you\n", out)
        self.assertIn("this job was not put back into the queue; submit it again with the same "
                      "line to go on\n", out)

    def test_without_scontrol_it_says_so(self):
        for tool in ("bash", "date", "grep", "stat", "sed", "cat", "sleep", "rm", "hostname", "wc"):
            (self.bin / tool).parent.mkdir(exist_ok=True)
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.script_start(program=FAULTS_PROGRAM, PATH=str(self.bin))
        self.warn()
        out = self.finish(75)
        self.assertIn("there is no scontrol on this node\n", out)
        self.assertIn("submit it again with the same line to go on\n", out)

    def test_a_program_of_the_site_takes_the_place_of_ours(self):
        site = self.write("site.env", f'MX_PROGRAM=(env IN_IMAGE=yes "{PROGRAM}")')
        self.script_start("/not/on/this/node/mixsweep", "run", "--out", AWKWARD, "--resume", "--",
                          str(self.config), site=str(site))
        self.finish(0)
        self.assertEqual(self.statuses(), {"done"})

    def test_what_a_user_stops_or_cancels_stays_out_of_the_queue(self):
        self.fake("scontrol", "touch called")
        self.config = self.tiny(repeats=1, n=128, arch="resnet8", epochs=500)  # never at its end
        self.script_start()
        self.sweep_process()
        self.mixsweep("stop", AWKWARD, "--now")
        self.assertIn("the sweep ended with 75\n", self.finish(75))
        script = self.script_start()
        self.wait_for("it goes on", lambda: not (self.out / "exit_code").exists(), script)
        self.sweep_process()
        script.send_signal(signal.SIGTERM)
        self.finish(75)
        self.assertFalse((self.folder / "called").exists())

    def test_a_sweep_that_dies_is_started_again(self):
        self.script_start(program=FAULTS_PROGRAM)
        self.standing(self.script)
        os.kill(self.sweep_process(), signal.SIGKILL)
        out = self.finish(0)
        self.assertIn("the sweep died; starting it again\n", out)
        self.assertIn("run 12.1 ", out)
        self.assertEqual(self.statuses(), {"done"})

    def test_a_sweep_that_keeps_dying_is_given_up(self):
        program = self.write("dies", f"""#!/bin/bash
mkdir -p "{AWKWARD.replace('$', chr(92) + '$').replace('"', chr(92) + '"')}"
cd "$_" && date +%N >status.json.new && mv status.json.new status.json; kill -KILL $$""")
        program.chmod(0o755)
        site = self.write("site.env", "MX_RESTARTS=2")
        self.script_start(str(program), site=str(site))
        self.assertIn("the sweep died 3 times without a trial done in between: giving up\n",
                      self.finish(3))

    def test_a_sweep_that_does_not_begin_is_not_tried_again(self):
        self.script_start(PROGRAM, "run", "nowhere.yaml", "--out", AWKWARD)
        out = self.finish(2)
        self.assertEqual(out.count("mixsweep: "), 1, out)
        self.assertIn("the sweep did not begin; the lines above say why\n", out)


if __name__ == "__main__":
    main()
