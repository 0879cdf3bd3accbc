"""The panels as a reader meets them: a real JupyterLab in Chromium from Debian's packages, without a window or a network."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from bnrepro.experiments import EXPERIMENTS
from bnrepro.experiments.control import start_of
from bnrepro.records.results import load_results
from bnrepro.records.workspace import CHECKOUT
from bnrepro.report.verdicts import RECORD
from tests.jupyter.throwaway import write_notebook

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

pytestmark = [
    pytest.mark.slow(seconds=90),
    pytest.mark.skipif(
        not (BROWSER and DRIVER),
        reason="JupyterLab is looked at in Chromium: none here, try `apt-get install chromium chromium-driver`",
    ),
]

PANELS = [
    name for name, finding in EXPERIMENTS.items() if hasattr(finding, "explore") and (RECORD.results / name).is_dir()
]
WHOLE = "01_training_speed"
"""The notebook that is run to its end, and whose button is pressed, for that takes a minute. The other panels are the cells of
one notebook: papermill runs theirs whole in `test_notebooks`, and `test_explorer` trains each one's live run."""

TOGETHER = [name for name in PANELS if name != WHOLE]

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1280,1400"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
SECONDS = 900
"""That anything may take on a loaded machine."""

IDLE = ".jp-Notebook-ExecutionIndicator[data-status='idle']"
PIXELS = """
const image = arguments[0], canvas = document.createElement("canvas");
[canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
if (!image.complete || !image.naturalWidth) return null;
canvas.getContext("2d").drawImage(image, 0, 0);
return canvas.toDataURL();
"""
OVERFLOWS = """
return [arguments[0], ...arguments[0].querySelectorAll("*")]
  .filter(one => !one.matches("[class*=noUi], [class*=noUi] *") && getComputedStyle(one).overflow != "visible")
  .filter(one => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1)
  .map(one => one.className);
"""
"""What would have a scrollbar or is cut."""


def copy_whole(folder: Path, output: Path) -> None:
    """A copy of the notebook `WHOLE` at preset smoke that writes to `output`."""
    notebook = nbformat.read(CHECKOUT / "notebooks" / f"{WHOLE}.ipynb", 4)
    parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    for default, value in (('preset: str = "quick"', "smoke"), ('output_root: str = ""', str(output))):
        assert default in parameters.source
        parameters.source = parameters.source.replace(default, f"{default.split(' = ')[0]} = {value!r}")
    nbformat.write(notebook, folder / f"{WHOLE}.ipynb")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab over copies of the notebooks: the address of its pages, the token, and where the notebooks write."""
    folder = tmp_path_factory.mktemp("lab")
    root, output = folder / "notebooks", folder / "out"
    root.mkdir()
    copy_whole(root, output)
    session = "Session({!r}, preset='smoke', output_root=" + repr(str(output)) + ").explore()"
    write_notebook(root / "panels.ipynb", "from bnrepro import Session", *map(session.format, TOGETHER))
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port, token = one.getsockname()[1], "of-this-test"
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    own += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in ("MPLBACKEND", "JPY_SESSION_NAME")}
    environment |= {name: str(folder / name) for name in own} | {"JUPYTER_PREFER_ENV_PATH": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(CHECKOUT), environment.get("PYTHONPATH")]))
    options = (f"--ServerApp.root_dir={root}", f"--ServerApp.port={port}", "--ServerApp.port_retries=0")
    options += (f"--IdentityProvider.token={token}", "--ServerApp.ip=127.0.0.1", "--no-browser", "--allow-root")
    options += ("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",)
    settings = {
        "apputils-extension/notification": '{"fetchNews": "false"}',  # else it asks, over the page
        "notebook-extension/tracker": '{"windowingMode": "none"}',  # else it takes a panel away that is out of sight
    }
    for name, text in settings.items():
        path = folder / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    address = f"http://127.0.0.1:{port}"
    with open(folder / "lab.log", "wb") as log:
        command = [sys.executable, "-m", "jupyterlab", *options]
        server = subprocess.Popen(command, env=environment, cwd=root, stdout=log, stderr=log)
    try:
        eventually(lambda: answers(f"{address}/api?token={token}", server), "JupyterLab starts")
        yield address, token, output
    finally:
        server.terminate()  # it ends its kernels
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def answers(address: str, server: subprocess.Popen) -> bool:
    assert server.poll() is None, "JupyterLab ended"
    with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as page:
        return page.status == 200
    return False


def eventually(condition, what: str, seconds: float = SECONDS):
    """The condition's first answer that is true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answer := condition():
            return answer
        time.sleep(0.1)
    raise TimeoutError(f"{what}: not within {seconds} s")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService(executable_path=DRIVER))
    yield driver
    driver.quit()


class Page:
    """A notebook in JupyterLab."""

    def __init__(self, browser, address: str, token: str, name: str):
        self.browser = browser
        browser.get(f"{address}/lab/workspaces/{name}/tree/{name}.ipynb?token={token}")
        self.one(IDLE)
        self.until(lambda: not browser.find_elements(By.CSS_SELECTOR, ".jp-Spinner"))  # no menu knows the page before

    def until(self, condition):
        """The condition's first answer that is true; what it looks at may be put anew meanwhile."""
        return WebDriverWait(self.browser, SECONDS, 0.1, [StaleElementReferenceException]).until(lambda _: condition())

    def one(self, selector: str, place: int = 0):
        """The element at a place among those that the selector finds."""
        return self.until(lambda: next(iter(self.browser.find_elements(By.CSS_SELECTOR, selector)[place:]), None))

    def run_all(self) -> None:
        """Run, Run All Cells; once more where JupyterLab did not hear it, as it may while the page settles."""
        menu = "//*[contains(@class, 'lm-MenuBar-itemLabel')][text()='Run']"
        for _ in range(3):
            self.browser.find_element(By.XPATH, menu).click()
            self.one(".lm-Menu [data-command='runmenu:run-all']").click()
            with contextlib.suppress(TimeoutException):
                WebDriverWait(self.browser, 10, 0.1, [StaleElementReferenceException]).until(lambda _: self.runs)
                return
        raise AssertionError("JupyterLab runs no cell")

    @property
    def runs(self) -> bool:
        """Whether a cell runs or has run."""
        prompts = self.browser.find_elements(By.CSS_SELECTOR, ".jp-InputPrompt")
        return any(re.search(r"\d|\*", prompt.text) for prompt in prompts)


class Panel:
    """A panel in a page.

    Args:
        page: Where.
        place: Its place among the page's panels.
    """

    def __init__(self, page: Page, place: int = 0):
        self.page, self.browser, self.place = page, page.browser, place

    @property
    def image(self):
        return self.page.one(".jp-OutputArea img.widget-image", self.place)

    @property
    def button(self):
        return self.page.one(".jp-OutputArea button.jupyter-button:has(.fa-play)", self.place)

    def shown(self) -> str:
        """The pixels of the panel's image."""
        return self.page.until(lambda: self.browser.execute_script(PIXELS, self.image))

    def next_to(self, before: str) -> str:
        """The pixels of the image that comes after `before`."""
        return self.page.until(lambda: (now := self.shown()) != before and now)

    def press(self, key: str) -> None:
        """A key on the handle of the last slider."""
        box = self.image.find_element(By.XPATH, "..")
        handle = box.find_elements(By.CSS_SELECTOR, ".noUi-handle")[-1]
        self.browser.execute_script("arguments[0].focus()", handle)
        handle.send_keys(key)

    @property
    def status(self) -> str:
        return self.button.find_elements(By.XPATH, "../*[contains(@class, 'widget-label')]")[-1].text


@contextlib.contextmanager
def seen(browser, path: Path):
    """Keeps what the browser showed when something failed."""
    try:
        yield
    except BaseException:
        browser.save_screenshot(str(path))
        raise


def there_and_back(name: str) -> tuple[str, str]:
    """The keys that move the last slider of a panel away from its start, which may be its end, and to it again."""
    controls = EXPERIMENTS[name].controls(load_results(RECORD.results / name))
    slider = [control for control in controls if not isinstance(control.start, str)][-1]
    keys = Keys.ARROW_RIGHT, Keys.ARROW_LEFT
    return keys[::-1] if slider.start == slider.values[-1] else keys


def move_a_slider(panel: Panel, name: str) -> tuple[str, str]:
    """Moves a slider and moves it back; the pixels of both choices."""
    first = panel.next_to("")
    assert (
        panel.browser.execute_script("return arguments[0].naturalWidth", panel.image) > 1.9 * panel.image.size["width"]
    )
    assert panel.browser.execute_script(OVERFLOWS, panel.image.find_element(By.XPATH, "..")) == []
    there, back = there_and_back(name)
    panel.press(there)
    second = panel.next_to(first)
    panel.press(back)
    assert panel.next_to(second) == first
    return first, second


@pytest.fixture(scope="module")
def together(lab, browser):
    """The page with all panels but that of the whole notebook, its cells being run."""
    page = Page(browser, *lab[:2], "panels")
    page.run_all()
    return page


@pytest.mark.parametrize("name", TOGETHER)
def test_a_slider_that_is_moved_redraws_the_panel(name, together, tmp_path):
    with seen(together.browser, tmp_path / "failed.png"):
        move_a_slider(Panel(together, TOGETHER.index(name)), name)


def test_in_a_whole_notebook_a_slider_moves_while_cells_train_and_the_button_trains_a_run(lab, browser, tmp_path):
    *address, output = lab
    with seen(browser, tmp_path / "failed.png"):
        page = Page(browser, *address, WHOLE)
        page.run_all()
        panel = Panel(page)
        first, second = move_a_slider(panel, WHOLE)
        assert not browser.find_elements(By.CSS_SELECTOR, IDLE), "a slider is heard while a cell trains"
        assert panel.button.is_enabled() and panel.button.text.strip() == "Train one run live"
        panel.button.click()
        page.until(lambda: re.match(r"Step [1-9][\d,]* of ", panel.status))
        assert not panel.button.is_enabled()
        live = panel.next_to(first)
        panel.press(Keys.ARROW_RIGHT)  # while it trains
        page.until(lambda: panel.shown() == second)
        page.until(lambda: panel.status.endswith("done, not recorded") and panel.button.is_enabled())
        panel.press(Keys.ARROW_LEFT)
        assert panel.next_to(second) not in (first, live)
        page.until(lambda: (output / "results" / WHOLE / "runs.csv").exists())
        page.one(IDLE)
        assert not browser.find_elements(By.CSS_SELECTOR, "[data-mime-type='application/vnd.jupyter.stderr']")
    finding, tables = EXPERIMENTS[WHOLE], load_results(RECORD.results / WHOLE)
    assert not (output / "runs" / finding.live(tables, **start_of(finding.controls(tables))).id).exists()
