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
            # The names of metrics, but neither label values nor what the rules record.
            used = set(re.findall(r"(?<![\w:])(?:cacheagent|process)_\w+", re.sub(r"""(["']).*?\1""", "", query)))
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
            self.assertIn(f"alertname: {alert}, exp_alerts: []", tested, f"{alert} is never seen not to fire")

    def test_every_runbook_is_an_action(self) -> None:
        """An address that Alertmanager can link, and a heading among the actions of docs/operations.md."""
        actions = (REPOSITORY / "docs/operations.md").read_text().split("\n## When an alert fires\n")[1].split("\n## ")[0]
        anchors = {heading.lower().replace(" ", "-") for heading in re.findall(r"^### ([\w ]+)$", actions, re.MULTILINE)}
        document = yaml.safe_load((MONITORING / "prometheus-rules.yaml").read_text())
        alerts = [rule for group in document["groups"] for rule in group["rules"] if "alert" in rule]
        for alert in alerts:
            address, _, anchor = alert["annotations"]["runbook_url"].partition("#")
            self.assertEqual(address, "https://repository.example/docs/operations.md")
            self.assertIn(anchor, anchors, alert["alert"])

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

    @unittest.skipUnless(PROMTOOL, "promtool is not installed")
    def test_terraform(self) -> None:
        """Its queries, each with the name of the service as it is planned."""
        text = (REPOSITORY / "deploy/terraform/monitoring.tf").read_text()
        block = text.split("  promql = {")[1].split("\n}")[0].replace('\\"', "'")
        queries = [query.replace("${var.name}", "agent").replace("${unit}", "bytes") for query in re.findall(r'"([^"]*cacheagent_[^"]*)"', block)]
        self.assertEqual(len(queries), 5)
        for query in queries:
            self.assertEqual(query.count("cacheagent_"), query.count("namespace='agent'"), query)
        self.check(queries)


if __name__ == "__main__":
    unittest.main()
