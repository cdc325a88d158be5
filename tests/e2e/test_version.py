"""The program starts and says which one it is. ctest: quick"""
from harness import Case, main


class Version(Case):
    def test_version_is_one_line(self):
        out, err = self.mixsweep("--version")
        self.assertRegex(out, r"\Amixsweep \d+\.\d+\.\d+\n\Z")
        self.assertEqual(err, "")


if __name__ == "__main__":
    main()
