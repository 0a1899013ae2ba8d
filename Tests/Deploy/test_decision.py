"""When a canary is worse than what was there, as a table."""

import math
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "deploy/steps"))
from decision import Sample, Verdict, decide, samples, wilson  # noqa: E402

GOOD, WORSE, UNKNOWN = Verdict.GOOD, Verdict.WORSE, Verdict.UNKNOWN
OLD = Sample(requests=20_000, failed=2, refused=400, slow=40)


class DecisionTests(unittest.TestCase):
    def verdict(self, new: Sample, old: Sample = OLD) -> Verdict:
        return decide(new, old, minimum=100)[0]

    def test_verdicts(self) -> None:
        rows = [
            ("no request", Sample(), UNKNOWN),
            ("few, all well", Sample(requests=99), UNKNOWN),
            ("enough, all well", Sample(requests=100), GOOD),
            ("one failure of fifty says nothing", Sample(requests=50, failed=1), UNKNOWN),
            ("one failure of a hundred says nothing", Sample(requests=100, failed=1), GOOD),
            ("five of fifty do", Sample(requests=50, failed=5), WORSE),
            ("all of five do", Sample(requests=5, failed=5), WORSE),
            ("as the old one", Sample(requests=1000, failed=1, refused=20, slow=2), GOOD),
            ("two percent fail", Sample(requests=1000, failed=20), WORSE),
            ("three of ten thousand fail", Sample(requests=10_000, failed=3), GOOD),
            ("a tenth is slow", Sample(requests=1000, slow=100), WORSE),
            ("three percent are slow", Sample(requests=1000, slow=30), GOOD),
            ("a tenth is refused", Sample(requests=2000, refused=200), WORSE),
            ("the smoke test's own refusals", Sample(requests=160, refused=50), GOOD),
        ]
        for name, new, expected in rows:
            with self.subTest(name):
                self.assertIs(self.verdict(new), expected)

    def test_what_the_old_one_did_is_no_fault_of_the_new_one(self) -> None:
        old = Sample(requests=5000, failed=250, refused=1000, slow=2500)
        self.assertIs(self.verdict(Sample(requests=1000, failed=50, refused=200, slow=500), old), GOOD)
        self.assertIs(self.verdict(Sample(requests=1000, failed=200), old), WORSE)

    def test_the_objectives_stand_in_for_an_old_one_that_nobody_asks(self) -> None:
        self.assertIs(self.verdict(Sample(requests=1000), Sample()), GOOD)
        self.assertIs(self.verdict(Sample(requests=1000, failed=50), Sample()), WORSE)

    def test_bounds(self) -> None:
        for count, total in ((0, 10), (1, 10), (10, 10), (1, 100_000)):
            low, high = wilson(count, total)
            self.assertTrue(0 <= low <= count / total <= high <= 1, (count, total))
        self.assertEqual(wilson(0, 0), (0, 1))

    def test_samples(self) -> None:
        codes = [("new", "200", 90.0), ("new", "404", 4.0), ("new", "429", 2.0), ("new", "503", 4.0), ("old", "200", 10.0)]
        buckets = [("new", "16", 50.0), ("new", "64", 80.0), ("new", "256", 95.0), ("new", "+Inf", 100.0), ("gone", "+Inf", 1.0)]
        found = samples(codes, buckets)
        self.assertEqual(found["new"], Sample(requests=100, failed=6, refused=4, slow=20))
        self.assertEqual(found["old"], Sample(requests=10))
        self.assertNotIn("gone", found)
        self.assertTrue(math.isclose(found["new"].slow, 20))


if __name__ == "__main__":
    unittest.main()
