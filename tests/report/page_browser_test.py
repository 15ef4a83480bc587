"""The page in a real browser: Chromium without a window and without a network."""

import os
import shutil

import pytest

from tests.report import findings_cases

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
  not (BROWSER and DRIVER), reason="chromium and chromedriver are not installed"
)
CASES = ["whole", "least", "trouble"]
PHONE, DESKTOP = (360, 740), (1280, 800)


@pytest.fixture(scope="module")
def browser():
  from selenium.webdriver.chrome.service import Service

  options = webdriver.ChromeOptions()
  options.binary_location = BROWSER
  for word in ("--headless=new", "--disable-dev-shm-usage", "--disable-background-networking"):
    options.add_argument(word)
  if os.geteuid() == 0:
    options.add_argument("--no-sandbox")
  options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
  driver = webdriver.Chrome(options=options, service=Service(DRIVER))
  driver.execute_cdp_cmd("Network.enable", {})
  offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
  driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
  yield driver
  driver.quit()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
  """case -> the address of its page."""
  folder = tmp_path_factory.mktemp("a folder with spaces")
  found = {}
  for case in CASES:
    path = folder / f"{case}.html"
    path.write_text(findings_cases.page(case), encoding="utf-8")
    found[case] = path.as_uri()
  return found


def show(browser, address, *, size=DESKTOP, scheme="light"):
  """Opens a page on a screen of this size, with everything unfolded."""
  browser.get_log("browser")
  screen = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
  browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
  media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
  browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
  browser.get(address)
  browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")


def height(browser, element):
  """In pixels, 0 of what is folded."""
  visible = "return arguments[0].checkVisibility() ? arguments[0].offsetHeight : 0"
  return browser.execute_script(visible, element)


def complaints(browser):
  return [entry["message"] for entry in browser.get_log("browser")]


WIDTHS = "return [document.documentElement.scrollWidth, window.innerWidth]"
BROKEN = """
return [...document.images].filter(i => !(i.complete && i.naturalWidth > 0)).map(i => i.alt)
"""
RESOURCES = "return performance.getEntriesByType('resource').map(e => e.name.slice(0, 80))"
# WCAG 2's contrast of every text with what is behind it, over all elements that have text.
CONTRASTS = """
const numbers = color => color.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map(v => v / 255).map(
    v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const behind = element => {
  for (let e = element; e; e = e.parentElement) {
    const found = numbers(getComputedStyle(e).backgroundColor);
    if (found.length < 4 || found[3] > 0) return found;
  }
  return [255, 255, 255];
};
return [...document.body.querySelectorAll('*')].filter(
  e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
).map(e => {
  const style = getComputedStyle(e);
  const own = numbers(e.tagName === 'text' ? style.fill : style.color);
  const [a, b] = [light(own), light(behind(e))].sort((x, y) => y - x);
  return [(a + 0.05) / (b + 0.05), e.textContent.slice(0, 40), style.color];
});
"""


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("case", CASES)
def test_it_fits_the_screen_and_nothing_complains(browser, files, case, size):
  show(browser, files[case], size=size)
  content, window = browser.execute_script(WIDTHS)
  assert content <= window == size[0]
  assert browser.execute_script(BROKEN) == []
  assert complaints(browser) == []
  asked = browser.execute_script(RESOURCES)
  assert all(name.startswith("data:") for name in asked)


def test_all_pictures_are_decoded(browser, files):
  show(browser, files["whole"])
  widths = browser.execute_script("return [...document.images].map(i => i.naturalWidth)")
  assert len(widths) == len(findings_cases.pictures())
  assert min(widths) > 100


@pytest.mark.parametrize("case", ["whole", "least"])
def test_the_verdict_is_seen_first(browser, files, case):
  show(browser, files[case])
  (verdict,) = browser.find_elements("css selector", ".verdict")
  assert verdict.is_displayed()
  assert verdict.rect["y"] + verdict.rect["height"] < DESKTOP[1]
  sizes = browser.execute_script(
    "return ['.verdict', 'h1', 'h2', 'main p'].map("
    "s => parseFloat(getComputedStyle(document.querySelector(s)).fontSize))"
  )
  assert sizes[0] == max(sizes)
  assert sizes[-1] >= 16


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(browser, files, scheme):
  show(browser, files["whole"], scheme=scheme)
  found = browser.execute_script(CONTRASTS)
  assert len(found) > 100
  assert [text for text in found if text[0] < 4.5] == []
  # The page itself follows the scheme; pictures stay on paper.
  paper, sheet = browser.execute_script(
    "return ['body', '.sheet'].map("
    "s => getComputedStyle(document.querySelector(s)).backgroundColor)"
  )
  assert (int(paper[4:].split(",")[0]) < 64) == (scheme == "dark")
  assert sheet == "rgb(255, 255, 255)"


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_no_text_of_the_charts_covers_another(browser, files, size):
  show(browser, files["whole"], size=size)
  overlaps = browser.execute_script("""
    const found = [];
    for (const row of document.querySelectorAll('.strips tr')) {
      const boxes = [...row.querySelectorAll('bdi, .number, circle, .axis text')].map(
        e => [e.textContent, e.getBoundingClientRect()]);
      for (const [i, [a, one]] of boxes.entries()) for (const [b, two] of boxes.slice(i + 1))
        if (Math.min(one.right, two.right) - Math.max(one.left, two.left) > 1 &&
            Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top) > 1) found.push([a, b]);
    }
    return found;
  """)
  assert overlaps == []


def test_hostile_names_do_nothing(browser, files):
  show(browser, files["trouble"])
  assert browser.execute_script("return document.scripts.length") == 0
  assert findings_cases.HOSTILE in browser.find_element("css selector", "h1").text
  assert findings_cases.HOSTILE in browser.title


def test_on_paper_nothing_is_folded(browser, files):
  show(browser, files["whole"])
  browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = false)")
  (numbers,) = browser.find_elements("css selector", "table[aria-label^='Accuracies seed']")
  assert height(browser, numbers) == 0
  browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
  assert height(browser, numbers) > 100
  assert not browser.find_element("css selector", "nav").is_displayed()
  browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_what_these_tests_look_for_is_found(browser, files, tmp_path):
  """The test of the tests: a page with one of each fault."""
  spoiled = (tmp_path / "spoiled.html").absolute()
  faults = (
    "<div style='width: 3000px'>wide</div><img src='http://127.0.0.1:9/x.png' alt='far'>"
    "<script>1</script><p style='color: #999'>pale</p></main>"
  )
  whole = findings_cases.page("least")
  spoiled.write_text(whole.replace("</main>", faults), encoding="utf-8")
  show(browser, spoiled.as_uri(), size=PHONE)
  assert browser.execute_script(WIDTHS)[0] > 3000
  assert browser.execute_script(BROKEN) == ["far"]
  assert any("Content Security Policy" in message for message in complaints(browser))
  pale = [text for ratio, text, _ in browser.execute_script(CONTRASTS) if ratio < 4.5]
  assert pale == ["pale"]
