"""The page in a real browser: no error, no request, light and dark, small and large, by keyboard, for everybody."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reprotest.report.html import page
from reprotest.report.json import document
from reprotest.report.trees import tree_of
from reprotest.result import RunReport

AUDIT = Path(__file__).with_name("audit.js").read_text()
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no chromium and chromedriver here (Debian: apt-get install chromium chromium-driver)")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as started:
        yield started


@pytest.fixture
def show(browser: Any, project: Path) -> Callable[..., None]:
    def open_page(report: dict[str, Any], *, theme: str = "light", width: int = 1280) -> None:
        file = project / "page.html"
        file.write_text(page(tree_of(report, project), project), encoding="utf-8")
        features = [{"name": "prefers-color-scheme", "value": theme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        for kind in ("browser", "performance"):
            browser.get_log(kind)
        browser.get(file.as_uri())

    return open_page


@pytest.fixture
def pages(
    samples: dict[str, RunReport], hostile: RunReport, recorded: Callable[..., list[Path]]
) -> dict[str, dict[str, Any]]:
    paths = [str(path) for path in recorded(modules=["<b>&\"'", *(f"model.layers.{i}.mlp" for i in range(12))])]
    parts = {name: document(samples[name]) for name in ("identical", "error", "two_causes")}
    return {
        "different": {**document(samples["proven"]), "records": paths},
        "hostile": {**document(hostile), "records": paths},
        "several": {"schema": "reprotest.experiments/1", "experiments": parts},
    }


def requests(browser: Any) -> list[str]:
    sent = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"]


@pytest.mark.parametrize("kind", ["different", "hostile", "several"])
def test_for_everybody(kind: str, browser: Any, show: Callable[..., None], pages: dict[str, dict[str, Any]]) -> None:
    for theme, width in (("light", 1280), ("dark", 1280), ("dark", 390)):
        show(pages[kind], theme=theme, width=width)
        assert [entry["message"] for entry in browser.get_log("browser")] == []
        assert {url.partition(":")[0] for url in requests(browser)} <= {"file", "data"}
        browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert browser.execute_script(AUDIT) == [], (theme, width)
        assert browser.execute_script("return document.scripts.length + document.images.length") == 0


def test_the_audit_sees_what_is_wrong(
    browser: Any, show: Callable[..., None], pages: dict[str, dict[str, Any]]
) -> None:
    show(pages["different"])
    browser.execute_script(
        "document.querySelector('caption').remove(); document.querySelector('.meta').style.color = '#bbb';"
        "document.querySelector('h2').outerHTML = '<h4>deep</h4>'; document.querySelector('svg desc').remove()"
    )
    said = "\n".join(browser.execute_script(AUDIT))
    for complaint in ("without a caption", "contrast 1.", "jumps from 1 to 4", "without a name and a description"):
        assert complaint in said


def test_by_keyboard(browser: Any, show: Callable[..., None], pages: dict[str, dict[str, Any]]) -> None:
    from selenium.webdriver import ActionChains, Keys

    def press(key: str) -> Any:
        ActionChains(browser).send_keys(key).perform()
        return browser.switch_to.active_element

    show(pages["different"])
    skip = press(Keys.TAB)
    assert skip.text == "Skip to the result"
    assert skip.rect["x"] >= 0, "it is seen when it has the focus"
    assert press(Keys.ENTER).get_attribute("id") == "main"

    show(pages["different"])
    wanted = browser.execute_script("return document.querySelectorAll('a, summary, [tabindex=\"0\"]').length")
    reached = set()
    for _ in range(wanted + 5):
        focused = press(Keys.TAB)
        if focused.tag_name == "body":
            break
        reached.add(focused.id)
        outline = focused.value_of_css_property("outline-style")
        assert outline != "none", f"the focus is not seen on {focused.tag_name} {focused.get_attribute('class')}"
    hidden = browser.execute_script("return [...document.querySelectorAll('details:not([open]) [tabindex]')].length")
    assert len(reached) == wanted - hidden

    summary = browser.find_element("css selector", "figure.chart summary")
    browser.execute_script("arguments[0].focus()", summary)
    press(Keys.ENTER)
    assert summary.find_element("xpath", "..").get_attribute("open") is not None


def test_names_for_a_screen_reader(browser: Any, show: Callable[..., None], pages: dict[str, dict[str, Any]]) -> None:
    show(pages["different"])
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named: dict[str, list[str]] = {}
    for node in nodes:
        if not node.get("ignored"):
            named.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert all(named["image"]), named["image"]
    assert {"Divergence curve: relative difference over steps From step 12 on the runs differ"} <= {
        name.partition(";")[0] for name in named["image"]
    }
    for role in ("link", "region", "navigation"):
        assert all(named[role]), role
    assert len(named["main"]) == len(named["banner"]) == len(named["contentinfo"]) == 1


def test_themes_differ_and_print_is_white(
    browser: Any, show: Callable[..., None], pages: dict[str, dict[str, Any]]
) -> None:
    colours = {}
    for theme in ("light", "dark"):
        show(pages["different"], theme=theme)
        fills = "[...new Set([...document.querySelectorAll('svg path')].map(p => getComputedStyle(p).fill))].join()"
        colours[theme] = browser.execute_script(f"return getComputedStyle(document.body).backgroundColor + {fills}")
    assert colours["light"] != colours["dark"]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not browser.find_element("tag name", "nav").is_displayed()
