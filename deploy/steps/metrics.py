"""What Cloud Monitoring counted of each revision, asked in PromQL."""

import json
import os
import subprocess
import time
import urllib.parse
import urllib.request
from typing import Dict, List, Optional, Tuple

from decision import Sample, samples

ATTEMPTS = 3


class Metrics:
    def __init__(self, project: str, service: str):
        usual = f"https://monitoring.googleapis.com/v1/projects/{project}/location/global/prometheus/api/v1/query"
        self._url = os.environ.get("METRICS_URL", usual)
        self._pause = float(os.environ.get("RETRY_SECONDS", "5"))
        self._labels = f'monitored_resource="cloud_run_revision",service_name="{service}"'

    def samples(self, seconds: int) -> Optional[Dict[str, Sample]]:
        """By revision, of the last seconds; None if there is no answer after some attempts."""
        for attempt in range(ATTEMPTS):
            try:
                codes = self._ask("request_count", "response_code", seconds)
                buckets = self._ask("request_latencies_bucket", "le", seconds)
                return samples(codes, buckets)
            except (OSError, ValueError, KeyError, IndexError, subprocess.SubprocessError) as error:
                print(f"no answer from monitoring ({attempt + 1} of {ATTEMPTS}): {error}", flush=True)
                time.sleep(self._pause)
        return None

    def _ask(self, metric: str, label: str, seconds: int) -> List[Tuple[str, str, float]]:
        query = f"sum by (revision_name, {label}) (increase(run_googleapis_com:{metric}{{{self._labels}}}[{seconds}s]))"
        token = subprocess.check_output(["gcloud", "auth", "print-access-token"], universal_newlines=True).strip()
        data = urllib.parse.urlencode({"query": query}).encode()
        request = urllib.request.Request(self._url, data=data, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=20) as response:
            result = json.load(response)["data"]["result"]
        values = [(row["metric"]["revision_name"], row["metric"][label], float(row["value"][1])) for row in result]
        return [row for row in values if row[2] == row[2]]
