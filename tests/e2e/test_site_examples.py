"""Examples for sites: the recipe of a container, and modules. ctest: quick"""
import re
import shutil
import subprocess
import unittest

from harness import SOURCE, Case, main


def without_comments(text, mark):
    return "\n".join(line.split(mark)[0] for line in text.split("\n"))


class Recipe(Case):
    def setUp(self):
        super().setUp()
        self.text = (SOURCE / "slurm/mixsweep.def").read_text()

    def section(self, name):
        return re.search(rf"^%{name}\n(.*?)(?=^%|\Z)", self.text, re.M | re.S)[1]

    def test_it_installs_what_bootstrap_installs(self):
        needs = re.search(r"^needs='\n(.*?)^'", (SOURCE / "bootstrap").read_text(), re.M | re.S)[1]
        wanted = [line.split()[2] for line in needs.splitlines()]
        joined = without_comments(self.section("post"), "#").replace("\\\n", " ")
        install = re.search(r"^ *apt-get install (.*)$", joined, re.M)[1].split()
        self.assertEqual([word for word in install if not word.startswith("-")], wanted)

    def test_its_sections_are_apptainers_and_its_scripts_are_sound(self):
        self.assertTrue(self.text.startswith("Bootstrap: docker\nFrom: debian:12\n"))
        self.assertEqual(re.findall(r"^%(\w+)$", self.text, re.M),
                         ["files", "post", "environment", "runscript", "test", "labels"])
        for name in ("post", "environment", "runscript", "test"):
            script = self.write(f"{name}.sh", self.section(name))
            subprocess.run(["sh", "-n", script], check=True)
            if shutil.which("shellcheck"):
                subprocess.run(["shellcheck", "--shell=sh", script], check=True)

    def test_what_it_builds_and_tests_is_there(self):
        post = self.section("post")
        for option in re.findall(r"-D(MX_\w+)", post):
            self.assertRegex((SOURCE / "CMakeLists.txt").read_text(), rf"option\({option} ")
        for config in re.findall(r"share/mixsweep/(configs/\S+)", self.section("test")):
            self.mixsweep("check", SOURCE / config)


class Modules(Case):
    PATHS = {"PATH": "bin", "MANPATH": "share/man", "PYTHONPATH": "share/mixsweep/python"}

    def test_both_set_the_same_paths(self):
        lua = without_comments((SOURCE / "slurm/mixsweep.lua").read_text(), "--")
        tcl = (SOURCE / "slurm/mixsweep.tcl").read_text()
        self.assertEqual(dict(re.findall(
            r'^prepend_path\("(\w+)", pathJoin\(root, "([^"]+)"\)\)$', lua, re.M)), self.PATHS)
        self.assertEqual(dict(re.findall(r"^prepend-path (\w+) \$root/(\S+)$", tcl, re.M)), self.PATHS)
        self.assertEqual(re.search(r'local root = "(.*)"', lua)[1],
                         re.search(r"set root (.*)", tcl)[1])
        self.assertTrue(tcl.startswith("#%Module"))

    @unittest.skipUnless(shutil.which("tclsh"), "there is no tclsh")
    def test_the_tcl_module_runs(self):
        script = self.write("run.tcl", """
foreach word {module-whatis prereq} { proc $word args {} }
proc prepend-path {name path} { puts "$name=$path" }
source [lindex $argv 0]
ModulesHelp
""")
        done = subprocess.run(["tclsh", script, SOURCE / "slurm/mixsweep.tcl"], check=True, text=True,
                              capture_output=True)
        self.assertEqual(done.stdout.splitlines(), [
            f"{name}=/opt/mixsweep/{path}" for name, path in self.PATHS.items()])
        self.assertIn("mixsweep submit", done.stderr)


if __name__ == "__main__":
    main()
