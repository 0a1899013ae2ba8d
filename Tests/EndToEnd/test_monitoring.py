"""The ready-made monitoring: rules that fire when they should, and dashboards that ask for metrics that there are."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
from typing import Any, Iterator, List, Set

import yaml

from discovery import faults
from processes import PROGRAM, REPOSITORY

MONITORING = REPOSITORY / "deploy/monitoring"
PROMTOOL = shutil.which("promtool")


def expressions(node: Any, names: Set[str]) -> Iterator[str]:
    """Every text of a document that stands under one of these names."""
    if isinstance(node, dict):
        for name, member in node.items():
            if name in names and isinstance(member, str):
                yield member
            else:
                yield from expressions(member, names)
    elif isinstance(node, list):
        for element in node:
            yield from expressions(element, names)


class MonitoringTests(unittest.TestCase):
    def known_metrics(self) -> Set[str]:
        table = subprocess.run([str(PROGRAM), "metrics"], capture_output=True, text=True, check=True).stdout
        rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", table, re.MULTILINE)
        known = {name for name, kind in rows if kind != "histogram"}
        return known | {name + suffix for name, kind in rows if kind == "histogram" for suffix in ("_bucket", "_sum", "_count")}

    def check(self, queries: List[str]) -> None:
        """PromQL that Prometheus understands, over metrics that the program has."""
        self.assertTrue(queries)
        # What a dashboard puts in for its variables.
        queries = [re.sub(r"\[\$\{?__\w+\}?\]", "[5m]", query).replace("$job", "job") for query in queries]
        rules = {"groups": [{"name": "queries", "rules": [{"record": f"query:{index}", "expr": text} for index, text in enumerate(queries)]}]}
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "queries.yaml"
            path.write_text(yaml.safe_dump(rules))
            checked = subprocess.run([PROMTOOL, "check", "rules", str(path)], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        known = self.known_metrics()
        for query in queries:
            # The names of this service's metrics, not those in quotes, which are label values.
            used = set(re.findall(r"\b(?:cacheagent|process)_\w+", re.sub(r'"[^"]*"', "", query)))
            self.assertLessEqual(used, known, query)

    @unittest.skipUnless(PROMTOOL, "promtool is not installed")
    def test_rules(self) -> None:
        rules = MONITORING / "prometheus-rules.yaml"
        for arguments in (["check", "rules", str(rules)], ["test", "rules", str(MONITORING / "prometheus-rules-test.yaml")]):
            checked = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        document = yaml.safe_load(rules.read_text())
        self.check(list(expressions(document, {"expr"})))
        tested = (MONITORING / "prometheus-rules-test.yaml").read_text()
        for alert in expressions(document, {"alert"}):
            self.assertRegex(tested, rf"alertname: {alert}\n +exp_alerts:\n", f"{alert} is never seen to fire")

    def test_every_runbook_is_there(self) -> None:
        document = yaml.safe_load((MONITORING / "prometheus-rules.yaml").read_text())
        for runbook in expressions(document, {"runbook"}):
            page, _, anchor = runbook.partition("#")
            headings = re.findall(r"^#+ (.+)$", (REPOSITORY / page).read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            self.assertTrue(not anchor or anchor in anchors, f"{runbook} is not among {anchors}")

    @unittest.skipUnless(PROMTOOL, "promtool is not installed")
    def test_grafana(self) -> None:
        document = json.loads((MONITORING / "grafana-dashboard.json").read_text())
        self.check(list(expressions(document["panels"], {"expr"})))
        self.assertEqual(len({panel["id"] for panel in document["panels"]}), len(document["panels"]))

    @unittest.skipUnless(PROMTOOL, "promtool is not installed")
    def test_cloud_monitoring(self) -> None:
        document = json.loads((MONITORING / "cloud-monitoring-dashboard.json").read_text())
        self.assertEqual(faults("monitoring.v1", "Dashboard", document), [])
        self.check(list(expressions(document, {"prometheusQuery"})))


if __name__ == "__main__":
    unittest.main()
