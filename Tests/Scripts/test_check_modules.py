"""The check of the modules finds what it is there to find."""

import importlib.machinery
import importlib.util
import pathlib
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "scripts/check-modules"
loader = importlib.machinery.SourceFileLoader("check_modules", str(SCRIPT))
check = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_modules", loader))
loader.exec_module(check)

DOCUMENT = """# Architecture

## Modules

| Module | What it is | Knows |
|---|---|---|
| `Low` | the ground | NIOCore |
| `High` | the roof | `Low`, swift-log |
| `Program` | the program | all |

## Elsewhere

| `Nothing` | no module | `Low` |
"""


class CheckModules(unittest.TestCase):
    def setUp(self):
        self.table = check.documented(DOCUMENT)
        self.targets = {"Low": set(), "High": {"Low"}, "Program": {"High"}, "HighTests": {"High"}}
        self.imports = {
            "Low": {"Low.swift": {"NIOCore"}}, "High": {"High.swift": {"Low", "Logging"}}, "Program": {"Program.swift": {"High"}},
            "HighTests": {"HighTests.swift": {"High", "Testing"}},
        }

    def faults(self):
        return check.faults(self.table, self.targets, self.imports, {"Low", "High", "Program"})

    def test_table(self):
        self.assertEqual(self.table, {"Low": set(), "High": {"Low"}, "Program": None})

    def test_nothing_is_wrong(self):
        self.assertEqual(self.faults(), [])

    def test_a_dependency_that_is_not_allowed(self):
        self.table["High"] = set()
        self.assertEqual(self.faults(), ["High depends on Low, which the table does not allow"])

    def test_a_dependency_that_is_not_there(self):
        self.table["Low"] = {"Program"}
        self.assertEqual(self.faults(), ["Low does not depend on Program, but the table says so"])

    def test_a_module_that_is_not_there(self):
        self.table["Other"] = set()
        self.assertEqual(self.faults(), ["Other is in the table, but is no module of the package"])

    def test_a_module_without_a_row(self):
        del self.table["Low"]
        self.assertIn("Low is a module of the package, but is not in the table", self.faults())

    def test_an_import_that_is_not_declared(self):
        self.imports["High"]["Other.swift"] = {"Program"}
        self.imports["HighTests"]["HighTests.swift"].add("Low")
        self.assertEqual(self.faults(), [
            "Other.swift imports Program, which High does not declare", "HighTests.swift imports Low, which HighTests does not declare"])

    def test_a_declaration_that_nothing_needs(self):
        self.imports["High"]["High.swift"] = {"Logging"}
        self.assertEqual(self.faults(), ["High declares Low, but no file imports it"])

    def test_a_cycle(self):
        self.table["Low"] = self.targets["Low"] = {"High"}
        self.imports["Low"]["Low.swift"] = {"High"}
        self.assertEqual(self.faults(), ["a cycle: High -> Low -> High"])

    def test_imports(self):
        source = "import A\npackage import B\n@testable import C\n    import struct D.E\n// import F\nlet text = \"import G\"\npublic import H\n"
        self.assertEqual(check.imported(source), {"A", "B", "C", "D", "H"})

    def test_dependencies(self):
        package = {"targets": [
            {"name": "Low", "dependencies": [{"product": ["High", "another-package", None, None]}]},
            {"name": "High", "dependencies": [{"byName": ["Low", None]}]}, {"name": "Tests", "dependencies": [{"target": ["High", None]}]}]}
        self.assertEqual(check.declared(package), {"Low": set(), "High": {"Low"}, "Tests": {"High"}})


if __name__ == "__main__":
    unittest.main()
