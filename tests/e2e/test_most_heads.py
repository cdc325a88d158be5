"""A hundred thousand head cells, run to their end, leave few files. ctest: slow"""
from harness import main
from test_many_heads import MOST, MOST_DESCRIPTORS, MOST_FILES, Counting


class MostHeads(Counting):
    def test_leave_less_than_a_thousand_files(self):
        files, descriptors = self.run_and_count(MOST)
        self.assertLess(0, files)
        self.assertLess(files, MOST_FILES)
        self.assertLess(descriptors, MOST_DESCRIPTORS)


if __name__ == "__main__":
    main()
