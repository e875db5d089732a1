"""Makes the pictures of pages in docs/images anew, from the release at hand and the system's Chromium.

.venv/bin/python tests/docs/screenshots.py
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PAGE = "doc/municipal-2019/measure/08-03"
SIZE = {"width": 1100, "height": 720}


def main() -> None:
    """Serve the current release and take a picture of a measure in each language."""
    command = [sys.executable, "-m", "kg", "serve", "--port", "0", "--workers", "1"]
    root = os.geteuid() == 0  # then Chromium does not start with its sandbox; it is shown our own pages only
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as tools:
        assert server.stdout is not None
        address = server.stdout.readline().split(" at ")[1].split()[0]
        browser = tools.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"] if root else [])
        for lang in ("en", "ja"):
            page = browser.new_page(viewport=SIZE, locale=lang)
            page.goto(f"{address}{PAGE}?lang={lang}", wait_until="networkidle")
            page.screenshot(path=ROOT / "docs" / "images" / f"measure-{lang}.png")
            print(f"docs/images/measure-{lang}.png")
        browser.close()
        server.terminate()


if __name__ == "__main__":
    main()
