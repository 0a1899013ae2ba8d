"""The pages of the interface in a browser: with their files, and without."""

import subprocess
import tempfile
import unittest

from playwright.sync_api import expect

from pages import PageTestCase
from processes import REPOSITORY, Agent


class DocumentationPageTests(PageTestCase):
    def assets(self) -> str:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        subprocess.run([str(REPOSITORY / "scripts/fetch-docs-assets"), directory.name], check=True, timeout=120)
        return directory.name

    def test_swagger_ui_and_redoc_without_the_internet(self) -> None:
        agent = self.agent(DOCS_DIRECTORY=self.assets())
        page = self.page(agent, "/docs")
        expect(page.locator(".opblock").first).to_be_visible()
        self.assertGreater(page.locator(".opblock").count(), 15)
        page.locator("#operations-cache-setValue").click()
        expect(page.locator("#operations-cache-setValue")).to_contain_text("Store a value")
        expect(page.locator("#unavailable")).to_be_hidden()
        # Nothing but the service itself has a say.
        for path in ("/docs", "/redoc"):
            self.assertNotIn("https:", self.policy(agent, path))
        # ReDoc would show its maker's logo.
        page = self.page(agent, "/redoc", blocked="https://cdn.redoc.ly/redoc/logo-mini.svg")
        expect(page.get_by_role("heading", name="Redis Caching Layer Agent")).to_be_visible()
        expect(page.get_by_role("heading", name="Store a value").first).to_be_visible()
        expect(page.locator("#unavailable")).to_be_hidden()

    def policy(self, agent: Agent, path: str) -> str:
        page = self.browser.new_page()
        self.addCleanup(page.close)
        return page.goto(agent.url + path).headers["content-security-policy"]

    def test_without_their_files_the_pages_say_so(self) -> None:
        with tempfile.TemporaryDirectory() as empty:
            for settings, reason in (({}, "cannot load them from cdn.jsdelivr.net"), ({"DOCS_DIRECTORY": empty}, "not in the directory")):
                agent = self.agent(**settings)
                for path, name in (("/docs", "Swagger UI"), ("/redoc", "ReDoc")):
                    page = self.browser.new_page()
                    self.addCleanup(page.close)
                    page.route("https://**", lambda route: route.abort())
                    page.goto(agent.url + path)
                    expect(page.locator("#unavailable")).to_be_visible()
                    expect(page.locator("#unavailable")).to_contain_text(f"{name} cannot be shown")
                    expect(page.locator("#unavailable")).to_contain_text(reason)
                    page.get_by_role("link", name="/openapi.json").click()
                    expect(page.locator("body")).to_contain_text('"openapi":"3.1.0"')

    def test_a_mirror_that_does_not_answer(self) -> None:
        agent = self.agent()
        page = self.browser.new_page()
        self.addCleanup(page.close)
        page.route("https://**", lambda route: None)
        page.goto(agent.url + "/docs", wait_until="commit")
        expect(page.locator("#unavailable")).to_be_visible(timeout=15_000)


if __name__ == "__main__":
    unittest.main()
