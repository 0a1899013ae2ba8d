"""A browser for the tests of pages."""

import pathlib
import unittest

from playwright.sync_api import Browser, Page, sync_playwright

from processes import Agent

CHROMIUM = pathlib.Path("/usr/bin/chromium")


@unittest.skipUnless(CHROMIUM.exists(), "chromium is not installed")
class PageTestCase(unittest.TestCase):
    playwright = None
    browser: Browser

    @classmethod
    def setUpClass(cls) -> None:
        cls.playwright = sync_playwright().start()
        cls.browser = cls.playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])

    @classmethod
    def tearDownClass(cls) -> None:
        cls.browser.close()
        cls.playwright.stop()

    def page(self, agent: Agent, path: str, width: int = 1280, scheme: str = "light", blocked: str = "nothing") -> Page:
        """A page whose console must stay empty, and that asks nobody but the service. `blocked` is an address that the page's policy keeps it from."""
        page = self.browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.set_default_timeout(20_000)
        said = []
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}") if blocked not in message.text else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        foreign = []
        own = (agent.url, "data:", "blob:", blocked)
        page.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(own) else None)
        self.addCleanup(page.close)
        self.addCleanup(lambda: self.assertEqual(foreign, []))
        self.addCleanup(lambda: self.assertEqual(said, []))
        page.goto(agent.url + path)
        return page

    def agent(self, **settings: str) -> Agent:
        agent = Agent(**settings)
        self.addCleanup(agent.stop)
        return agent
