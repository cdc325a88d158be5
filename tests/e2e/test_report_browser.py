"""The page on a sweep in a browser, wide and as on a telephone: the console stays empty, nothing reaches
beyond the page, all text in pictures can be read. ctest: slow timeout=300 machine"""
import json
import re
import shutil
import subprocess

from harness import Case, main

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Put into a copy of the page: what the browser made of it.
LOOK = """<script>addEventListener("load", () => {
const all = s => [...document.querySelectorAll(s)], box = e => e.getBoundingClientRect();
const texts = all("svg[role=img] text"), of = (list, f) => list.filter(f).map(e => e.textContent.slice(0, 40));
parent.postMessage(JSON.stringify({
  width: innerWidth, page: document.documentElement.scrollWidth,
  wide: of(all("main *"), e => !e.closest(".scroll,pre,svg") && box(e).right > innerWidth + 1),
  small: of(texts, e => parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a < 9),
  cut: of(texts, e => box(e).left < box(e.ownerSVGElement).left - 1 || box(e).right > box(e.ownerSVGElement).right + 1),
  scrolls: of(all(".scroll"), e => e.scrollWidth > e.clientWidth + 1)}), "*");
});</script>"""
# No window is as narrow as a telephone; a frame is.
FRAME = """<!DOCTYPE html><title>frame</title><link rel="icon" href="data:,"><script>
addEventListener("message", e => {{ document.body.dataset.seen = e.data; }});</script>
<body><iframe width="{}" height="900" style="border:0" src="{}"></iframe></body>"""


class Browser(Case):
    def look(self, width):
        page = (self.folder / "out/report.html").read_text().replace("<details>", "<details open>")
        copy = self.write("copy.html", page.replace("</body>", LOOK + "</body>"))
        frame = self.write("frame.html", FRAME.format(width, copy.name))
        done = subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.folder}/browser",
             "--enable-logging=stderr", "--window-size=1400,1000", "--dump-dom", frame.as_uri()],
            capture_output=True, text=True, timeout=200)
        self.assertEqual(re.findall(".*CONSOLE.*", done.stderr), [])
        found = re.search('data-seen="([^"]*)"', done.stdout)
        self.assertTrue(found, done.stdout[-500:])
        seen = json.loads(found.group(1).replace("&quot;", '"').replace("&lt;", "<").replace("&amp;", "&"))
        self.assertEqual(seen["width"], width)
        self.assertLessEqual(seen["page"], width)
        self.assertEqual((seen["wide"], seen["small"], seen["cut"]), ([], [], []))
        return seen

    def test_nothing_is_cut_and_tables_fit_a_wide_screen(self):
        if not BROWSER:
            self.skipTest("no browser: Debian's package is chromium")
        self.write("maps.yaml", """
name: maps
repeats: 2
data: {set: synthetic, size: 12, val_fraction: 0.2, synthetic: {n: 60, classes: 3}}
model: {arch: resnet8}
train: {epochs: 2, batch_size: 16}
grid: {mix.strategy: [none, mixup], mix.alpha: [0.2, 1], mix.labels: [mixed, dominant]}
score:
  attributions: [gradcam, integrated_gradients, random]
  metrics: [accuracy, group_accuracy, worst_group_accuracy, deletion, insertion, inter_model_map,
            inter_model_scorer, inter_model_self, pointing_game]
  images: 8
  steps: 4
  bootstrap: 10
  integrated_gradients: {points: 2}
  inter_model: {min_accuracy: 0, models: 4}
""")
        self.mixsweep("run", "maps.yaml", "--out", "out", "--workers", 1)
        self.assertEqual(self.look(1280)["scrolls"], [])
        self.look(390)


if __name__ == "__main__":
    main()
