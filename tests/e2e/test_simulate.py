"""The simulate command: what it prints, and that nothing is run. ctest: quick"""
import json
import os

from harness import Case, main

KEYS = ["seed", "makespan_s", "utilisation", "planned", "done", "failed", "quarantined", "stopped",
        "lost", "duplicated", "deaths", "events", "event_s", "event_measured", "rank_0_share"]

SWEEP = """
name: thought
repeats: 4
data: {set: synthetic}
model: {arch: linear}
train: {epochs: 100}
grid: {train.lr: {linear: [0.01, 1.0], count: 100}}
schedule: {retries: 20}
"""


class Simulate(Case):
    def play(self, *args):
        out, err = self.mixsweep("simulate", "sweep.yaml", "--workers", "8", "--event-us", "20", *args)
        self.assertEqual(err, "")
        return out

    def test_gives_the_keys_in_their_order_and_the_same_for_the_same_seed(self):
        self.write("sweep.yaml", SWEEP)
        text = self.play("--failure-rate", "0.1", "--seed", "5", "--json")
        self.assertEqual(text, self.play("--failure-rate", "0.1", "--seed", "5", "--json"))
        self.assertNotEqual(text, self.play("--failure-rate", "0.1", "--seed", "6", "--json"))
        result = json.loads(text)
        self.assertEqual(list(result), KEYS)
        self.assertEqual((result["planned"], result["done"], result["lost"],
                          result["duplicated"]), (400, 400, 0, 0))
        self.assertGreater(result["deaths"], 10)
        self.assertEqual(os.listdir(self.folder), ["sweep.yaml"])

    def test_charges_what_an_event_takes_here_and_says_so(self):
        """At most what test_simulate.c charges when it asks how busy executors are."""
        self.write("sweep.yaml", SWEEP)
        out, err = self.mixsweep("simulate", "sweep.yaml", "--workers", "8", "--json")
        result = json.loads(out)
        self.assertTrue(result["event_measured"])
        self.assertGreater(result["event_s"], 1e-6)
        self.assertLess(result["event_s"], 200e-6)
        self.assertAlmostEqual(result["rank_0_share"],
                               result["events"] * result["event_s"] / result["makespan_s"], 9)
        out, err = self.mixsweep("simulate", "sweep.yaml", "--workers", "8")
        self.assertRegex(out, r"us each at rank 0, as measured here: \d+\.\d % of its time")

    def test_says_the_same_to_people(self):
        self.write("sweep.yaml", SWEEP)
        out = self.play()
        self.assertIn("400 planned, 400 done; 0 lost, 0 duplicated", out)
        self.assertRegex(out, r"executors    8, \d+\.\d % of their time at work")
        self.assertIn("events       408, 20.0 us each at rank 0, as told: ", out)

    def test_refuses_what_makes_no_sense(self):
        self.write("sweep.yaml", SWEEP)
        for args, words in (
                ([], "simulate needs --workers N"),
                (["--workers", "0"], "--workers 0: give a number from 1 to 1000000"),
                (["--workers", "2", "--failure-rate", "1.5"],
                 "--failure-rate 1.5: give a share from 0 to 1"),
                (["--workers", "2", "--seed", "x"], "--seed x: give a whole number, 0 or more")):
            with self.subTest(args=args):
                out, err = self.mixsweep("simulate", "sweep.yaml", *args, code=2)
                self.assertEqual((out, err), ("", f"mixsweep: {words}\n"))


if __name__ == "__main__":
    main()
