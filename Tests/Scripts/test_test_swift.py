"""What the script that runs the Swift tests says at the end, with a runner that says what the test says."""

import os
import pathlib
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "scripts/test-swift"

FAILURE = """◇ Test run started.
↳ Testing Library Version: 6.3.1
◇ Suite CacheTests started.
◇ Test reads() started.
◇ Test writes() started.
✘ Test writes() recorded an issue at CacheTests.swift:4:33: Expectation failed: (value → 2) == 1
↳ a comment
  of two lines
◇ Test case passing 1 argument number → 1 to "a name of its own" started.
✘ Test "a name of its own" recorded an issue with 1 argument number → 2 at CacheTests.swift:5:72: Expectation failed: (number → 2) == 1
✔ Test reads() passed after 0.002 seconds.
━ Test known() recorded a known issue at CacheTests.swift:7:41: Expectation failed: Bool(false)
✘ Test "a name of its own" with 2 test cases failed after 0.002 seconds with 1 issue.
✘ Test writes() failed after 0.002 seconds with 1 issue.
✘ Suite CacheTests failed after 0.002 seconds with 2 issues.
✘ Test run with 3 tests in 1 suite failed after 0.002 seconds with 2 issues.
"""

SUMMARY = """
What failed:
  ✘ Test writes() recorded an issue at CacheTests.swift:4:33: Expectation failed: (value → 2) == 1
  ↳ a comment
    of two lines
  ✘ Test "a name of its own" recorded an issue with 1 argument number → 2 at CacheTests.swift:5:72: Expectation failed: (number → 2) == 1
  ✘ Test "a name of its own" with 2 test cases failed after 0.002 seconds with 1 issue.
  ✘ Test writes() failed after 0.002 seconds with 1 issue.
"""


class TestSwift(unittest.TestCase):
    def run_with(self, output, status, *arguments, **environment):
        """Runs the script with a `swift` that prints a text and what it was given, and ends with a status."""
        with tempfile.TemporaryDirectory() as folder:
            swift = pathlib.Path(folder) / "swift"
            swift.write_text(
                f"#!/usr/bin/env bash\ncat <<'END'\n{output}END\n"
                f'echo "$@, $SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH at a time" >"{folder}/called"\nexit {status}\n')
            swift.chmod(0o755)
            inherited = {name: value for name, value in os.environ.items() if name != "TEST_WIDTH"}
            result = subprocess.run(
                [SCRIPT, *arguments], env={**inherited, **environment, "PATH": f"{folder}:{os.environ['PATH']}"},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=60, check=False)
            return result.returncode, result.stdout, (pathlib.Path(folder) / "called").read_text()

    def test_failures_are_the_last_lines(self):
        status, output, _ = self.run_with(FAILURE, 1)
        self.assertEqual(status, 1)
        self.assertEqual(output, FAILURE + SUMMARY)

    def test_colours(self):
        coloured = FAILURE.replace("✘", "\033[91m✘\033[0m").replace("↳", "\033[90m↳\033[0m")
        self.assertEqual(self.run_with(coloured, 1)[1], coloured + SUMMARY)

    def test_success_says_no_more_than_the_runner(self):
        output = "✔ Test run with 3 tests in 1 suite passed after 0.002 seconds.\n"
        self.assertEqual(self.run_with(output, 0)[:2], (0, output))

    def test_a_runner_that_crashes(self):
        status, output, _ = self.run_with("◇ Test reads() started.\nerror: Exited with unexpected signal code 11\n", 1)
        self.assertEqual(status, 1)
        self.assertTrue(output.endswith("\nWhat failed:\n  error: Exited with unexpected signal code 11\n"), output)

    def test_a_long_issue_is_cut(self):
        lines = "".join(f"line {number}\n" for number in range(1000))
        issue = f"✘ Test reads() recorded an issue at CacheTests.swift:4:33: Issue recorded: {'x' * 5000}\n{lines}"
        _, output, _ = self.run_with(issue, 1)
        summary = output.split("What failed:\n")[1].splitlines()
        self.assertEqual(len(summary), 40)
        self.assertLess(len(summary[0]), 2100)

    def test_arguments_and_width(self):
        self.assertEqual(self.run_with("", 0, "--filter", "Cache")[2], "test --skip-build --filter Cache, 8 at a time\n")
        self.assertEqual(self.run_with("", 0, TEST_WIDTH="3")[2], "test --skip-build, 3 at a time\n")


if __name__ == "__main__":
    unittest.main()
