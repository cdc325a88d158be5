"""The pictures of maps in the report, read back, and which curves there is room for. ctest: quick"""
import base64
import json
import re

import npy
import png
from harness import Case, main, rows

KINDS = ("occlusion", "rise", "integrated_gradients")
CURVES = (("deletion", "zero"), ("deletion", "blur"), ("deletion", "road"), ("insertion", "blur"), ("insertion", "road"))
LIGHT, DARK = (222, 235, 247), (5, 34, 84)


def shares(values, signed):
    """What a pixel's darkness is to be: its place between smallest and largest; where maps have
    signs, its share of the largest of its sign."""
    low, high = min(values), max(values)
    if signed:
        return [v / high if v > 0 else v / low if v < 0 else 0 for v in values]
    return [(v - low) / (high - low) for v in values]


class Gallery(Case):
    def setUp(self):
        super().setUp()
        self.write("maps.yaml", f"""
name: maps
data: {{set: synthetic, size: 12, val_fraction: 0.2, synthetic: {{n: 60, classes: 3}}}}
model: {{arch: resnet8}}
train: {{epochs: 1, batch_size: 16}}
score:
  attributions: [{", ".join(KINDS)}]
  metrics: [accuracy, deletion, insertion]
  fills: [zero, blur, road]
  images: 6
  steps: 3
  rise: {{masks: 20}}
  integrated_gradients: {{points: 4}}
""")
        self.mixsweep("run", "maps.yaml", "--out", "out", "--workers", 1)

    def pictures(self, kind):
        """The pixels of each picture of a kind of map, by image, of the one cell."""
        text = (self.folder / "out/report.html").read_text(encoding="utf-8")
        found = re.findall(rf'<img alt="{kind} of test image (\d+), cell 1" src="data:image/png;base64,([^"]*)"', text)
        self.assertEqual([int(image) for image, _ in found], list(range(6)))
        for _, data in found:
            _, _, lines = png.decode(base64.b64decode(data))
            yield [tuple(line[k:k + 3]) for line in lines for k in range(0, len(line), 3)]

    def test_dark_is_what_counts_most_also_where_values_are_negative(self):
        (trial,) = rows(self.folder / "out/results.csv")
        stages = json.loads(self.mixsweep("trial", "out", trial["trial"], "--json")[0])["stages"]
        for kind in KINDS:
            maps = npy.rows(self.folder / "out/stages" / stages["maps"] / f"{kind}.npy")
            self.assertLess(min(map(min, maps)), 0, kind)  # else this would see nothing
            for values, colours in zip(maps, self.pictures(kind)):
                dark = shares(values, kind == "integrated_gradients")
                self.assertEqual(len(dark), len(colours))
                self.assertEqual(colours[dark.index(max(dark))], DARK, kind)
                order = sorted(range(len(dark)), key=dark.__getitem__)
                for a, b in zip(order, order[1:]):  # never lighter where the map says more
                    self.assertTrue(all(x >= y for x, y in zip(colours[a], colours[b])), (kind, a, b))
                if 0 in dark:
                    self.assertEqual(colours[dark.index(0)], LIGHT, kind)

    def test_where_room_is_short_the_first_maps_have_all_their_curves(self):
        text = (self.folder / "out/report.html").read_text(encoding="utf-8")
        section = text[text.index("<h2>Deletion and insertion</h2>"):]
        section = section[:section.index("</section>")]
        self.assertEqual(re.findall("<figcaption>(.*?)</figcaption>", section, re.S), [
            f"{curve}, {kind}, fill {fill}" for kind in KINDS for curve, fill in CURVES][:12])
        self.assertIn("There is room for 12 figures: 3 more, of the maps that <code>score.attributions</code> names last", section)


if __name__ == "__main__":
    main()
