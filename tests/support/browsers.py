"""A browser, for tests that look at pages as a visitor does."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# Set by .ci/run: there, a browser that is missing is a failure.
REQUIRED = "KG_TEST_BROWSER"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's Chromium, without a window; skip the test where there is none."""
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        message = "no Chromium here: apt-get install chromium, or take the other tests for enough"
        pytest.fail(message) if os.environ.get(REQUIRED) == "required" else pytest.skip(message)
    with sync_playwright() as playwright:
        # As root, as in containers, Chromium does not start with its sandbox; it is shown our own pages only.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield browser
        browser.close()
