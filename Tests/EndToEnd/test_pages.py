"""The dashboard in a browser: it loads, shows what is so, does what it offers, and says nothing on the console."""

import json
import os
import pathlib
import re
import subprocess
import time
import unittest

import httpx
from playwright.sync_api import Page, expect

from pages import PageTestCase
from processes import KEY_IN_SLOT_3, PROGRAM, REDIS_SERVER, REPOSITORY, Agent, Redis, RedisCluster

ARTIFACTS = pathlib.Path(os.environ.get("TEST_ARTIFACTS") or REPOSITORY / ".build-test/screenshots")
WIDTHS = {"wide": (1280, "light"), "tablet": (820, "dark"), "phone": (390, "dark")}


class DashboardTests(PageTestCase):
    def test_live_figures(self) -> None:
        agent = self.agent()
        page = self.page(agent, "/dashboard")
        expect(page.locator("#pill")).to_have_text("Healthy")
        expect(page.locator("#redis")).to_have_text("None")
        agent.set("agent:1", "1")
        for _ in range(20):
            agent.get("/cache/agent:1")
        agent.get("/cache/none")
        expect(page.locator("#ratio-detail")).to_have_text(re.compile(r"95\.\d % since the start"))
        expect(page.locator("#memory-detail")).to_contain_text("1 entry")
        expect(page.locator("#rate")).not_to_have_text(re.compile("^(–|0 /s)$"))
        expect(page.locator("#p99")).to_have_text(re.compile(r"^[\d.]+ (µs|ms)$"))
        for plot in page.locator(".plot:visible").all():
            # A value without neighbours is a dot.
            expect(plot.locator('path[d^="M"], circle').first).to_be_attached()
            expect(plot.get_by_role("img")).to_have_attribute("aria-label", re.compile(r": .*\d"))

    def test_a_key_is_looked_up_and_deleted(self) -> None:
        agent = self.agent()
        value = '{"name":"crawler","id":12345678901234567890,"html":"<img src=x onerror=alert(1)>"}'
        agent.set("agent:1", value, ttl=600)
        page = self.page(agent, "/dashboard")
        page.get_by_label("Key", exact=True).fill("agent:1")
        page.keyboard.press("Enter")
        result = page.locator("#key-result")
        expect(result).to_contain_text("in 9 min" if "in 9 min" in result.text_content() else "in ")
        expect(result).to_contain_text(f"{len(value)} B")
        expect(result).to_contain_text("the embedded store")
        # A number that JavaScript cannot hold is shown as it is.
        expect(page.locator("#key-value")).to_contain_text("12345678901234567890")
        self.assertEqual(page.locator("#key-value img").count(), 0)
        page.get_by_role("button", name="Delete this key").click()
        self.assertIn("12345678901234567890", agent.get("/cache/agent:1"), "once is not enough")
        page.get_by_role("button", name="Press again to delete").click()
        expect(result).to_have_text("agent:1 is deleted.")
        self.assertEqual(agent.get("/cache/agent:1"), '{"detail":"Key not found"}')

    def test_what_is_known_of_a_key(self) -> None:
        agent = self.agent()
        httpx.post(f"{agent.url}/cache", json={"key": "page:1", "value": [1], "ttl": 1, "stale": 600, "tags": ["product:7", "shop"]}).raise_for_status()
        httpx.put(f"{agent.url}/values/logo", content=b"\x89PNG", headers={"Content-Type": "image/png"}).raise_for_status()
        httpx.put(f"{agent.url}/values/note", content="<p>", headers={"Content-Type": "text/plain"}).raise_for_status()
        token = httpx.get(f"{agent.url}/cache?key=job&lease=60").headers["Cache-Lease"]
        time.sleep(2)
        page = self.page(agent, "/dashboard")
        result = page.locator("#key-result")

        def look_up(key: str) -> None:
            page.get_by_label("Key", exact=True).fill(key)
            page.keyboard.press("Enter")

        look_up("page:1")
        expect(result).to_contain_text("Tagsproduct:7, shop")
        expect(result).to_contain_text("stale for")
        expect(result).to_contain_text("nobody has it")
        expect(result).to_contain_text(httpx.get(f"{agent.url}/values/page:1").headers["ETag"])
        look_up("logo")
        expect(result).to_contain_text("image/png")
        expect(result).to_contain_text("4 B")
        expect(page.locator("#key-value")).to_be_hidden()
        look_up("note")
        expect(page.locator("#key-value")).to_have_text("<p>")
        look_up("job")
        expect(result).to_contain_text("There is no value for job yet.")
        expect(result).to_contain_text(re.compile(r"held, for \d+ s more"))
        self.assertNotIn(token, page.content())
        look_up("nothing")
        expect(result).to_have_text("There is no value for nothing.")
        expect(page.locator("#plot-leases")).to_be_visible()
        expect(page.locator("#plot-validity .legend")).to_contain_text("stale")

    def test_a_tag_is_invalidated(self) -> None:
        agent = self.agent()
        httpx.post(f"{agent.url}/cache", json={"key": "page:1", "value": 1, "ttl": 60, "tags": ["product:7"]}).raise_for_status()
        page = self.page(agent, "/dashboard")
        page.get_by_label("Tag", exact=True).fill("product:7")
        page.get_by_role("button", name="Invalidate", exact=True).click()
        self.assertEqual(httpx.get(f"{agent.url}/cache?key=page:1").status_code, 200, "once is not enough")
        # Another tag must be confirmed anew.
        page.locator("#tag").fill("other")
        expect(page.locator("#tag-invalidate")).to_have_text("Invalidate")
        page.locator("#tag").fill("product:7")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Press again to invalidate").click()
        expect(page.locator("#tag-result")).to_have_text("Every value with the tag product:7 is a miss.")
        self.assertEqual(httpx.get(f"{agent.url}/cache?key=page:1").status_code, 404)
        page.locator("#key").fill("page:1")
        page.keyboard.press("Enter")
        expect(page.locator("#key-result")).to_contain_text("one of its tags has been invalidated")

    def test_a_pattern_is_counted_before_it_is_deleted(self) -> None:
        agent = self.agent()
        for number in range(12):
            agent.set(f"agent:{number}", "1")
        agent.set("other", "1")
        page = self.page(agent, "/dashboard")
        pattern = page.locator("#pattern")
        pattern.fill("agent:*")
        page.get_by_role("button", name="Count").click()
        expect(page.locator("#pattern-result")).to_have_text("12 keys match agent:*.")
        self.assertIn('"total_keys":13', agent.get("/cache/stats"))
        # Another pattern must be counted anew.
        pattern.fill("*")
        expect(page.locator("#pattern-delete")).to_be_hidden()
        pattern.fill("agent:*")
        pattern.press("Enter")
        page.get_by_role("button", name="Delete these 12 keys").click()
        page.get_by_role("button", name="Press again to delete").click()
        expect(page.locator("#pattern-result")).to_have_text("12 keys are deleted.")
        self.assertIn('"total_keys":1,', agent.get("/cache/stats"))

    def test_the_page_has_a_past(self) -> None:
        agent = self.agent()
        for _ in range(8):
            for _ in range(20):
                agent.get("/cache/none")
            time.sleep(0.25)
        page = self.page(agent, "/dashboard")
        line = page.locator("#plot-rate path.first:not(.area)")
        # At the first sight of it, of what has been before.
        expect(line).to_have_attribute("d", re.compile("^M.+L"))
        expect(page.locator("#events")).to_contain_text("Started")
        expect(page.locator("#plot-rate text.mark.start")).to_have_text("start")
        for name in ("1 h", "6 h", "5 min"):
            page.get_by_role("button", name=name, exact=True).click()
            expect(page.get_by_role("button", name=name, exact=True)).to_have_attribute("aria-pressed", "true")
            expect(line).to_have_attribute("d", re.compile("^M.+L"))

    def test_one_crosshair_over_all_plots(self) -> None:
        agent = self.agent()
        page = self.page(agent, "/dashboard")
        expect(page.locator("#plot-rate path.first:not(.area)")).to_have_attribute("d", re.compile("L"))
        page.get_by_role("button", name="Pause").click()
        box = page.locator("#plot-latency svg").bounding_box()
        page.mouse.move(box["x"] + box["width"] - 30, box["y"] + box["height"] / 2)
        tooltip = page.locator("#plot-latency .tooltip")
        expect(tooltip).to_be_visible()
        expect(tooltip).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))
        expect(tooltip).to_contain_text("p99")
        places = {plot.locator(".crosshair line").get_attribute("x1") for plot in page.locator(".plot:visible").all()}
        self.assertEqual(len(places), 1, "at one place, since the axes are aligned")
        self.assertEqual(page.locator(".tooltip:visible").count(), 1)
        page.mouse.move(1, 1)
        expect(page.locator(".crosshair line")).to_have_count(0)
        # The same without a mouse, for those who hear what the others see.
        page.locator("#plot-rate svg").focus()
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#announcement")).to_have_text(re.compile(r"\d\d:\d\d:\d\d: get [\d.]+/s, set 0/s, delete 0/s"))
        self.assertEqual(page.locator(".crosshair line").count(), page.locator(".plot:visible").count())
        page.keyboard.press("Escape")
        expect(page.locator(".crosshair line")).to_have_count(0)

    def test_only_news_is_asked_for(self) -> None:
        agent = self.agent()
        page = self.browser.new_page()
        self.addCleanup(page.close)
        asked = []
        page.on("request", lambda request: asked.append(request.url) if "/figures?" in request.url or request.url.endswith("/figures") else None)
        page.goto(agent.url + "/dashboard")
        expect(page.locator("#pill")).to_have_text("Healthy")
        with page.expect_response(re.compile(r"/dashboard/figures\?have=")) as response:
            pass
        history = response.value.json()["history"]
        self.assertFalse(history["whole"])
        self.assertLess(len(history["fine"]), 10)
        self.assertRegex(asked[0], "/figures$")

    @unittest.skipUnless(REDIS_SERVER.exists(), "redis-server is not installed")
    def test_an_unknown_number_is_not_zero(self) -> None:
        redis = Redis()
        self.addCleanup(redis.stop)
        agent = self.agent(**redis.settings)
        agent.wait_for('"state":"connected"')
        for number in range(3):
            agent.set(f"user:{number}", "1")
        page = self.page(agent, "/dashboard")
        expect(page.locator("#memory-detail")).to_contain_text("embedded store")
        expect(page.locator("#memory")).to_have_text(re.compile(r"^[\d.]+ MiB$"))
        redis.hang()
        agent.wait_for('"state":"outage"')
        result, delete = page.locator("#pattern-result"), page.locator("#pattern-delete")
        page.locator("#pattern").fill("user:*")
        page.locator("#pattern").press("Enter")
        expect(result).to_have_text("How many keys match user:* is unknown while Redis is away. This page keeps asking.")
        expect(delete).to_have_text("Delete what matches when Redis is back")
        expect(page.locator("#memory-detail")).to_contain_text("unknown while Redis is away")
        # What is found out meanwhile is said without being asked for.
        redis.resume()
        expect(result).to_have_text("3 keys match user:*.")
        expect(delete).to_have_text("Delete these 3 keys")
        expect(page.locator("#events")).to_contain_text("Redis was away")
        redis.hang()
        agent.wait_for('"state":"outage"')
        page.locator("#pattern").press("Enter")
        expect(result).to_contain_text("unknown while Redis is away")
        delete.click()
        page.get_by_role("button", name="Press again to delete").click()
        expect(result).to_have_text("What matches user:* will be deleted when Redis is back. Until then it is not served.")
        redis.resume()
        agent.wait_for('"state":"connected"')
        page.locator("#pattern").press("Enter")
        expect(result).to_have_text("0 keys match user:*.")

    @unittest.skipUnless(REDIS_SERVER.exists(), "redis-server is not installed")
    def test_copies_of_reads(self) -> None:
        redis = Redis()
        self.addCleanup(redis.stop)
        agent = self.agent(**redis.settings, EVENT_LOOPS="1")
        agent.wait_for('"coherence":"tracking"')
        page = self.page(agent, "/dashboard")
        expect(page.locator("#copies-detail")).to_contain_text("kept current by Redis")
        expect(page.locator("#plot-ratio")).to_be_hidden()
        agent.set("agent:1", "1")
        for _ in range(40):
            agent.get("/cache/agent:1")
        expect(page.locator("#copies")).to_have_text("1")
        expect(page.locator("#near")).to_have_text(re.compile(r"^[1-9][\d.]* %$"))
        expect(page.locator("#plot-reads .legend .first")).to_contain_text("a copy")
        expect(page.locator("#plot-reads").get_by_role("img")).to_have_attribute("aria-label", re.compile(r": a copy \d.*Redis \d.*not found \d"))
        expect(page.locator("#plot-memory .legend .second")).to_be_visible()
        redis.kill()
        expect(page.locator("#copies-detail")).to_contain_text("not current: Redis is away")
        agent.get("/cache/agent:1")
        expect(page.locator("#plot-reads .legend .warn")).to_be_visible()

    def test_without_redis_there_are_no_copies(self) -> None:
        page = self.page(self.agent(), "/dashboard")
        expect(page.locator("#pill")).to_have_text("Healthy")
        for name in ("#near-tile", "#copies-tile", "#plot-reads"):
            expect(page.locator(name)).to_be_hidden()
        expect(page.locator("#plot-ratio")).to_be_visible()

    @unittest.skipUnless(REDIS_SERVER.exists(), "redis-server is not installed")
    def test_an_outage_is_seen_and_its_end(self) -> None:
        redis = Redis()
        self.addCleanup(redis.stop)
        agent = self.agent(**redis.settings)
        agent.wait_for('"state":"connected"')
        page = self.page(agent, "/dashboard")
        expect(page.locator("#redis")).to_have_text("Connected")
        redis.kill()
        agent.wait_for('"state":"outage"')
        agent.set("written:1", "1", ttl=60)
        expect(page.locator("#pill")).to_have_text("Degraded")
        expect(page.locator("#redis")).to_have_text("Away")
        expect(page.locator("#redis-detail")).to_contain_text("1 key and 0 patterns to replay")
        expect(page.locator("#story")).to_contain_text("Redis cannot be reached")
        page.locator("#key").fill("written:1")
        page.locator("#key").press("Enter")
        expect(page.locator("#key-result")).to_contain_text("while Redis is away")
        expect(page.locator("#events")).to_contain_text(re.compile("Redis away for"))
        self.photograph(page, "outage")
        redis.start()
        expect(page.locator("#redis")).to_have_text("Connected")
        expect(page.locator("#pill")).to_have_text("Healthy")
        expect(page.locator("#events")).to_contain_text("Replayed 1 key")
        expect(page.locator("#events")).to_contain_text("Redis was away")
        self.assertGreater(page.locator(".plot:visible rect.mark.outage").count(), 8, "on every plot")

    @unittest.skipUnless(REDIS_SERVER.exists(), "redis-server is not installed")
    def test_shards_of_a_cluster(self) -> None:
        cluster = RedisCluster()
        self.addCleanup(cluster.stop)
        agent = self.agent(**cluster.settings)
        agent.wait_for('"slots_served":1.0')
        page = self.page(agent, "/dashboard")
        expect(page.locator("#redis")).to_have_text("Connected")
        expect(page.locator("#shards")).to_have_text("1 of 1 shard connected")
        cluster.command("CLUSTER DELSLOTS 1 2 3")
        agent.get("/cache/" + KEY_IN_SLOT_3)
        expect(page.locator("#redis")).to_have_text("In part")
        expect(page.locator("#shards")).to_have_text("1 of 2 shards connected; no node serves 3 slots")
        expect(page.locator("#story")).to_contain_text(re.compile(r"No node of the cluster serves these slots, for .+ Memory answers for 3 of 16,384 slots\."))
        self.photograph(page, "cluster")
        cluster.command("CLUSTER ADDSLOTS 1 2 3")
        expect(page.locator("#shards")).to_have_text("1 of 1 shard connected")
        expect(page.locator("#pill")).to_have_text("Healthy")

    @unittest.skipUnless(REDIS_SERVER.exists(), "redis-server is not installed")
    def test_a_single_redis_has_no_shards(self) -> None:
        redis = Redis()
        self.addCleanup(redis.stop)
        agent = self.agent(**redis.settings)
        agent.wait_for('"state":"connected"')
        page = self.page(agent, "/dashboard")
        expect(page.locator("#redis")).to_have_text("Connected")
        expect(page.locator("#shards")).to_be_hidden()

    def test_signing_in(self) -> None:
        made = subprocess.run([str(PROGRAM), "api-key", "tester", "--scopes", "all"], capture_output=True, text=True, check=True).stdout
        secret, line = re.fullmatch(r"secret: (\S+)\nline:   (.+)\n", made).groups()
        agent = self.agent(API_KEYS=line)
        page = self.page(agent, "/dashboard", blocked="401 (Unauthorized)")
        expect(page.locator("#pill")).to_have_text("Signed out")
        expect(page.locator("#sign-in")).to_be_visible()
        page.locator("#api-key").fill("wrong")
        page.locator("#api-key").press("Enter")
        expect(page.locator("#sign-in-result")).to_have_text("Invalid credentials")
        page.locator("#api-key").fill(secret)
        page.locator("#api-key").press("Enter")
        expect(page.locator("#pill")).to_have_text("Healthy")
        expect(page.locator("#sign-in")).to_be_hidden()
        page.locator("#pattern").fill("*")
        page.locator("#pattern").press("Enter")
        expect(page.locator("#pattern-result")).to_have_text("0 keys match *.")
        self.assertEqual(page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]"), ["", 0, 0])
        page.reload()
        expect(page.locator("#pill")).to_have_text("Signed out")

    def test_a_service_that_is_gone(self) -> None:
        agent = Agent()
        page = self.browser.new_page()
        self.addCleanup(page.close)
        page.goto(agent.url + "/dashboard")
        expect(page.locator("#pill")).to_have_text("Healthy")
        agent.stop()
        expect(page.locator("#pill")).to_have_text("Unreachable")

    def test_by_keyboard_alone(self) -> None:
        agent = self.agent()
        agent.set("k", "1")
        page = self.page(agent, "/dashboard")
        expect(page.locator("#pill")).to_have_text("Healthy")
        order = []
        for _ in range(30):
            page.keyboard.press("Tab")
            order.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
        self.assertEqual(order[:5], ["Skip to the figures", "5 min", "1 h", "6 h", "pause"])
        self.assertEqual([name for name in order if name in ("key", "Look up", "pattern", "Count", "tag", "tag-invalidate")], ["key", "Look up", "pattern", "Count", "tag", "tag-invalidate"])

    def test_every_field_and_button_has_a_name(self) -> None:
        agent = self.agent()
        page = self.page(agent, "/dashboard")
        names = page.evaluate(
            """[...document.querySelectorAll('input, select, button, meter')].map(
                (node) => node.labels?.[0]?.textContent || node.getAttribute('aria-label') || node.textContent)""")
        self.assertTrue(all(name and name.strip() for name in names), names)
        self.assertEqual(page.evaluate("document.documentElement.lang"), "en")
        self.assertEqual(page.locator("h1").count(), 1)

    def test_three_widths(self) -> None:
        agent = self.agent()
        value = json.dumps({"name": "crawler", "skills": ["fetch", "parse"], "limits": {"depth": 3}})
        for number in range(40):
            agent.set(f"agent:{number}", value, ttl=600)
        for name, (width, scheme) in WIDTHS.items():
            page = self.page(agent, "/dashboard", width, scheme)
            until = time.monotonic() + 7
            while time.monotonic() < until:
                for number in range(50):
                    agent.get(f"/cache/agent:{number}")
                page.wait_for_timeout(100)
            page.locator("#key").fill("agent:1")
            page.locator("#key").press("Enter")
            page.locator("#pattern").fill("agent:*")
            page.locator("#pattern").press("Enter")
            expect(page.locator("#pattern-result")).to_have_text("40 keys match agent:*.")
            expect(page.locator("#key-value")).to_have_text(json.dumps(json.loads(value), indent=2))
            self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), width, "nothing is cut off")
            self.photograph(page, name)

    def photograph(self, page: Page, name: str) -> None:
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(ARTIFACTS / f"dashboard-{name}.png"), full_page=True)

    def test_a_strict_policy(self) -> None:
        agent = self.agent()
        page = self.browser.new_page()
        self.addCleanup(page.close)
        policy = page.goto(agent.url + "/dashboard").headers["content-security-policy"]
        self.assertTrue(policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';"), policy)
        self.assertNotIn("unsafe", policy)


if __name__ == "__main__":
    unittest.main()
