"""The page on a sweep. ctest: quick timeout=600"""
import html.parser
import json
import os
import re
from random import Random

import npy
from harness import FAULTS_PROGRAM, Case, main, rows

VOID = {"meta", "link", "br", "img", "input", "hr", "wbr"}
SHAPES = {"path", "rect", "circle", "line"}  # written as <path/>
# What may lie right in an element that takes only some; what a paragraph, or a caption, may not hold.
INSIDE = {"ul": {"li"}, "dl": {"dt", "dd"}, "table": {"thead", "tbody", "caption", "tr"}, "thead": {"tr"},
          "tbody": {"tr"}, "tr": {"td", "th"}}
BLOCKS = {"p", "div", "ul", "dl", "table", "figure", "section", "h1", "h2", "h3", "details", "pre"}
PHRASES = {"p", "h1", "h2", "h3", "summary", "span", "b", "code", "a", "figcaption"}


class Page(html.parser.HTMLParser):
    """A page read strictly: every element is closed, in order; text, rows and links are kept."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.pictures, self.rows, self.text = [], [], [], [], {}, []
        self.images, self.headings = [], []
        self.metric = None
        self.feed(text)
        self.close()
        assert not self.open, self.open
        assert self.headings.count(1) == 1 and all(
            b <= a + 1 for a, b in zip([0] + self.headings, self.headings)), self.headings

    def handle_starttag(self, tag, attrs):
        assert len(attrs) == len(dict(attrs)), (tag, attrs)
        attrs = dict(attrs)
        above = self.open[-1] if self.open else None
        assert tag in INSIDE.get(above, {tag}), (tag, "in", above, self.getpos())
        assert not (tag in BLOCKS and PHRASES & set(self.open)), (tag, self.open, self.getpos())
        if tag == "table":
            self.widths = set()
        if tag == "tr":
            self.width = 0
        if tag in ("td", "th"):
            self.width += 1
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag == "a":
            self.links.append(attrs["href"])
        if tag == "svg":
            self.pictures.append(attrs)
        if tag == "img":
            self.images.append(attrs)
        if "data-cell" in attrs:
            self.cell = self.rows.setdefault(attrs["data-cell"], {})
        if "data-metric" in attrs:
            self.metric = self.cell[attrs["data-metric"]] = []
        if tag == "data" and self.metric is not None:
            self.metric.append(attrs["value"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in SHAPES, tag

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open, self.getpos())
        self.open.pop()
        if tag == "tr":
            self.widths.add(self.width)
        if tag == "table":
            assert len(self.widths) == 1, (self.widths, self.getpos())
        if tag in ("td", "th"):
            self.metric = None

    def handle_data(self, data):
        self.text.append(data)


def shown(cell, metric):
    """What the page has of a metric of a row of cells.csv: no interval where all values are the same."""
    mean, low, high = (cell[f"{metric}.{part}"] for part in ("mean", "low", "high"))
    return [x for x in ((mean,) if low == high else (mean, low, high)) if x]


class Report(Case):
    def page(self, directory="out"):
        text = (self.folder / directory / "report.html").read_text(encoding="utf-8")
        page = Page(text)
        # Nothing is fetched and nothing runs; what is linked is in the page or beside it.
        self.assertNotIn("<script", text)
        self.assertFalse(re.search(r"url\(|@import|src=\"(?!data:)|\son\w+=", text))
        for link in page.links:
            if link.startswith("#"):
                self.assertIn(link[1:], page.ids)
            else:
                self.assertTrue((self.folder / directory / link).exists(), link)
        self.assertEqual(len(page.ids), len(set(page.ids)))
        for attrs in page.pictures:
            self.assertTrue(attrs.get("aria-label") or attrs.get("aria-hidden") == "true", attrs)
        for attrs in page.images:
            self.assertTrue(attrs["alt"], attrs)
        return page, text

    def test_numbers_are_those_of_cells_csv(self):
        out, _ = self.mixsweep("run", self.tiny(repeats=2), "--out", "out", "--workers", 1)
        self.assertIn("report: out/report.html\n", out)
        written = (self.folder / "out/report.html").read_bytes()
        self.assertEqual(self.mixsweep("report", "out"), ("report: out/report.html\n", ""))
        self.assertEqual((self.folder / "out/report.html").read_bytes(), written)
        page, _ = self.page()
        cells = rows(self.folder / "out/cells.csv")
        self.assertEqual(set(page.rows), {cell["cell"] for cell in cells})
        for cell in cells:
            there = page.rows[cell["cell"]]
            self.assertIn("test.cross_entropy", there)
            for metric, numbers in there.items():
                self.assertEqual(numbers, shown(cell, metric), metric)

    def test_names_cannot_break_the_page(self):
        config = self.tiny().read_text().replace("name: tiny", "name: \"<b>a&b'\\\"\"")
        self.write("odd.yaml", config)
        self.mixsweep("run", "odd.yaml", "--out", "out", "--workers", 1)
        page, text = self.page()
        self.assertIn("<h1>&lt;b&gt;a&amp;b&#39;&quot;</h1>", text)
        self.assertIn("<b>a&b'\"", page.text)

    def test_one_trial_is_enough(self):
        config = self.tiny().read_text()
        self.write("one.yaml", config[:config.index("grid:")] + "score: {metrics: [accuracy]}\n")
        self.mixsweep("run", "one.yaml", "--out", "out", "--workers", 1)
        page, _ = self.page()
        self.assertEqual(len(page.rows), 1)
        self.assertIn("One cell is complete: there is nothing to compare it with.", page.text)

    def test_failures_come_first_with_their_reasons(self):
        self.program = FAULTS_PROGRAM
        self.mixsweep("run", self.tiny(repeats=3), "--out", "out", "--workers", 1, code=1,
                      env=dict(os.environ, MX_FAULT="exit stage_starts 1 always"))
        page, text = self.page()
        failed = [row for row in rows(self.folder / "out/results.csv") if row["status"] == "failed"]
        self.assertEqual(len(failed), 1)
        self.assertLess(text.index(failed[0]["trial"]), text.index("<h2>What was run</h2>"))
        self.assertIn(failed[0]["run.reason"], page.text)
        # Its cell says 2/3, takes no part in the order, and says why.
        row = text[text.index(f'<tr class="out" data-cell="{failed[0]["cell"]}">'):]
        row = row[:row.index("</tr>")]
        self.assertIn('<td class="n">\N{EN DASH}</td>', row)
        self.assertIn('<td class="n">2/3</td>', row)
        self.assertIn("1 failed (crashed)", row)

    def test_a_sweep_of_nothing_but_failures_has_a_page(self):
        self.program = FAULTS_PROGRAM
        self.mixsweep("run", self.tiny(), "--out", "out", "--workers", 1, "--set",
                      "schedule.retries=0", code=1,
                      env=dict(os.environ, MX_FAULT="exit stage_starts any always"))
        page, _ = self.page()
        self.assertIn("No cell is complete: there is no best one.", page.text)

    def test_maps_have_curves_a_matrix_and_pictures(self):
        self.write("maps.yaml", """
name: maps
data: {set: synthetic, size: 12, val_fraction: 0.2, synthetic: {n: 60, classes: 3}}
model: {arch: resnet8}
train: {epochs: 1, batch_size: 16}
grid: {mix.strategy: [none, mixup], mix.alpha: [0.2, 1]}
score:
  attributions: [gradcam]
  metrics: [accuracy, group_accuracy, worst_group_accuracy, deletion, insertion, inter_model_map]
  images: 8
  steps: 4
  bootstrap: 10
  inter_model: {min_accuracy: 0}
""")
        self.mixsweep("run", "maps.yaml", "--out", "out", "--workers", 1)
        page, text = self.page()
        titles = re.findall("<h2>(.*)</h2>", text)
        self.assertEqual(titles, ["How it went", "What was run", "Results", "Groups", "Score against alpha",
                                  "Trade-offs", "Deletion and insertion", "Maps across models",
                                  "What networks look at", "Training", "All metrics", "Where it comes from"])
        # By which rule pixels were ranked stands with every table and figure of it.
        self.assertGreaterEqual(text.count("(<code>score.rank: absolute</code>)"), 5)
        out, _ = self.mixsweep("export", "out", "--format", "latex")
        self.assertIn("; pixels ranked by score.rank absolute, replaced by the fill", out.splitlines()[0])
        out, _ = self.mixsweep("export", "out", "--format", "latex", "--metric", "test.accuracy")
        self.assertNotIn("score.rank", out)
        # One epoch is a mark, not a line of no length.
        training = text[text.index("<h2>Training</h2>"):text.index("<h2>All metrics</h2>")]
        self.assertEqual(training.count("<svg role=\"img\""), 3)
        self.assertGreaterEqual(training.count("<circle"), 3)
        self.assertNotIn("<h3>Sum over ranks</h3>", text)
        # Six images as they are and as each of two networks sees them.
        self.assertEqual(len(page.images), 6 * 3)
        self.assertEqual(sum(image["alt"].startswith("gradcam of test image") for image in page.images), 12)
        cells = {cell["cell"]: cell for cell in rows(self.folder / "out/cells.csv")}
        for cell, there in page.rows.items():
            for metric, numbers in there.items():
                self.assertEqual(numbers, shown(cells[cell], metric), metric)

    def array(self, trial, name):
        """The rows of an npy file of a trial's scores."""
        stages = json.loads(self.mixsweep("trial", "out", trial, "--json")[0])["stages"]
        return npy.rows(self.folder / "out/stages" / stages["scores"] / name)

    def test_one_repeat_is_compared_image_by_image(self):
        self.write("images.yaml", """
name: images
data: {set: synthetic, size: 12, val_fraction: 0.2, synthetic: {n: 240, classes: 3}}
model: {arch: resnet8}
train: {epochs: 2, batch_size: 16}
grid: {mix.strategy: [none, mixup]}
score:
  attributions: [gradcam]
  metrics: [accuracy, deletion, deletion_normalised, symmetric_relevance_gain, random_order_deletion, gini]
  images: 40
  steps: 4
""")
        self.mixsweep("run", "images.yaml", "--out", "out", "--workers", 1)
        _, text = self.page()
        section = text[text.index('<section id="images">'):]
        section = section[:section.index("</section>")]
        heads = re.findall("<th>(test[^ ]*?)(?:<br>|</th>)", section.replace("<wbr>", ""))
        self.assertEqual(heads, ["test.deletion.gradcam.zero", "test.deletion_normalised.gradcam.zero",
                                 "test.symmetric_relevance_gain.gradcam.zero",
                                 "test.random_order_deletion.gradcam.zero", "test.gini.gradcam"])
        plain, mixed = rows(self.folder / "out/results.csv")
        fraction = [row[0] for row in self.array(plain["trial"], "fraction.npy")]

        def area(curve):
            return sum((x - w) * (a + b) / 2 for w, x, a, b in zip(fraction, fraction[1:], curve, curve[1:]))

        def parts(trial, metric):
            if metric.startswith("test.gini"):
                return [(row[0], 1) for row in self.array(trial, "gini.gradcam.npy")]
            curves = self.array(trial, "deletion.gradcam.zero.npy")
            if "symmetric" in metric:
                least = self.array(trial, "deletion_least_first.gradcam.zero.npy")
                return [(area(a) - area(b), 1) for a, b in zip(least, curves)]
            if "random" in metric:
                shifted = self.array(trial, "random_order_deletion.gradcam.zero.npy")
                return [(area(a) - area(b), area(a)) for a, b in zip(shifted, curves)]
            return [(area(c), c[0] if "normalised" in metric else 1) for c in curves]

        random = Random(1)
        draws = [random.choices(range(40), k=40) for _ in range(1000)]
        cells = re.findall("<td>(.*?)</td>", section)
        self.assertEqual(len(cells), 5)
        for metric, cell in zip(heads, cells):
            value, low, high = map(float, re.findall('<data value="([^"]*)"', cell))
            self.assertEqual(value, float(mixed[metric]) - float(plain[metric]), metric)
            one, other = parts(mixed["trial"], metric), parts(plain["trial"], metric)
            self.assertEqual((len(one), len(other)), (40, 40))
            found = sorted(sum(one[i][0] for i in draw) / sum(one[i][1] for i in draw) -
                           sum(other[i][0] for i in draw) / sum(other[i][1] for i in draw) for draw in draws)
            # Other resamples: their ends differ by a share of the interval's width.
            for end, again in ((low, found[25]), (high, found[974])):
                self.assertLess(abs(end - again), 0.25 * (high - low), (metric, low, high, found[25], found[974]))
            p = float(re.search("p (?:&lt; )?([0-9.]+)", cell).group(1))
            sure = low > 0 or high < 0
            self.assertTrue(0 < p <= 1 and (sure or p > 0.02), (metric, p))
        self.mixsweep("run", "images.yaml", "--out", "two", "--workers", 1, "--set", "repeats=2")
        self.assertNotIn('id="images"', self.page("two")[1])

    def test_two_sweeps_are_compared_cell_by_cell(self):
        self.mixsweep("run", self.tiny(), "--out", "a", "--workers", 1)
        config = self.tiny().read_text().replace("[none, mixup, cutmix]", "[none, mixup, gridmix]")
        self.write("b.yaml", config.replace("seed: 3", "seed: 4"))
        self.mixsweep("run", "b.yaml", "--out", "b", "--workers", 1)
        self.mixsweep("report", "a", "b")
        page, text = self.page("a")
        told = text[text.index("<h2>Compared with another sweep</h2>"):]
        self.assertIn("<code>b</code>", told)
        self.assertRegex(told, "3 cells are in both sweeps, [0-3] of them with other means; 2 are only "
                               "here, 2 only there.")

    def test_what_is_wrong_is_said(self):
        for arguments, told in (
                ((), "report takes a DIR; mixsweep report --help tells more"),
                (("a", "b", "c"), "report does not take 'c'"),
                (("none",), "there is no none")):
            self.assertIn(told, self.refused(2, "report", *arguments))


if __name__ == "__main__":
    main()
