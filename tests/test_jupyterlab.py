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
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from bnrepro.controls import start_of
from bnrepro.experiments import EXPERIMENTS
from bnrepro.report import RECORD
from bnrepro.tables import load_results
from bnrepro.workspace import CHECKOUT

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (BROWSER and DRIVER),
        reason="JupyterLab is looked at in Chromium: none here, try `apt-get install chromium chromium-driver`",
    ),
]

PANELS = [
    name for name, finding in EXPERIMENTS.items() if hasattr(finding, "explore") and (RECORD.results / name).is_dir()
]
WHOLE = "01_training_speed"
"""The notebook that is run to its end, and whose button is pressed, for that takes a minute. Of the others' copies the panel
is the last cell: papermill runs them whole in `test_notebooks`, and `test_explorer` trains each one's live run."""

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1280,1400"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
SECONDS = 90
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


def copy_notebook(name: str, folder: Path, output: Path) -> None:
    """A copy at preset smoke that writes to `output`, cut after its panel unless it is the one that is run whole."""
    notebook = nbformat.read(CHECKOUT / "notebooks" / f"{name}.ipynb", 4)
    parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    for default, value in (('preset: str = "quick"', "smoke"), ('output_root: str = ""', str(output))):
        assert default in parameters.source
        parameters.source = parameters.source.replace(default, f"{default.split(' = ')[0]} = {value!r}")
    if name != WHOLE:
        panel = next(place for place, cell in enumerate(notebook.cells) if cell.source == "study.explore()")
        notebook.cells = notebook.cells[: panel + 1]
    nbformat.write(notebook, folder / f"{name}.ipynb")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab over copies of the notebooks: the address of its pages, the token, and where the notebooks write."""
    folder = tmp_path_factory.mktemp("lab")
    root, output = folder / "notebooks", folder / "out"
    root.mkdir()
    for name in PANELS:
        copy_notebook(name, root, output)
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
    news = (
        folder / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    )
    news.parent.mkdir(parents=True)
    news.write_text('{"fetchNews": "false"}')  # else it asks, over the page
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
    """A notebook in JupyterLab, and the panel in it."""

    def __init__(self, browser, address: str, token: str, name: str):
        self.browser = browser
        browser.get(f"{address}/lab/workspaces/{name}/tree/{name}.ipynb?token={token}")
        self.one(IDLE)
        self.until(lambda: not browser.find_elements(By.CSS_SELECTOR, ".jp-Spinner"))  # no menu knows the page before

    def until(self, condition):
        """The condition's first answer that is true; what it looks at may be put anew meanwhile."""
        return WebDriverWait(self.browser, SECONDS, 0.1, [StaleElementReferenceException]).until(lambda _: condition())

    def one(self, selector: str):
        return self.until(lambda: next(iter(self.browser.find_elements(By.CSS_SELECTOR, selector)), None))

    def run_all(self) -> None:
        """Run, Run All Cells."""
        menu = "//*[contains(@class, 'lm-MenuBar-itemLabel')][text()='Run']"
        self.browser.find_element(By.XPATH, menu).click()
        self.one(".lm-Menu [data-command='runmenu:run-all']").click()

    @property
    def image(self):
        return self.one(".jp-OutputArea img.widget-image")

    def shown(self) -> str:
        """The pixels of the panel's image."""
        return self.until(lambda: self.browser.execute_script(PIXELS, self.image))

    def next_to(self, before: str) -> str:
        """The pixels of the image that comes after `before`."""
        return self.until(lambda: (now := self.shown()) != before and now)

    def press(self, key: str) -> None:
        """A key on the handle of the last slider."""
        handle = self.browser.find_elements(By.CSS_SELECTOR, ".jp-OutputArea .noUi-handle")[-1]
        self.browser.execute_script("arguments[0].focus()", handle)
        handle.send_keys(key)

    @property
    def status(self) -> str:
        return self.browser.find_elements(By.CSS_SELECTOR, ".jp-OutputArea .widget-label")[-1].text


@contextlib.contextmanager
def seen(browser, path: Path):
    """Keeps what the browser showed when something failed."""
    try:
        yield
    except BaseException:
        browser.save_screenshot(str(path))
        raise


def there_and_back(name: str) -> tuple[str, str]:
    """The keys that move the first slider of a panel away from its start, which may be its end, and to it again."""
    controls = EXPERIMENTS[name].controls(load_results(RECORD.results / name))
    slider = next(control for control in controls if not isinstance(control.start, str))
    keys = Keys.ARROW_RIGHT, Keys.ARROW_LEFT
    return keys[::-1] if slider.start == slider.values[-1] else keys


def move_a_slider(page: Page, name: str) -> tuple[str, str]:
    """Runs all cells, moves a slider and moves it back; the pixels of both choices."""
    page.run_all()
    first = page.next_to("")
    assert page.browser.execute_script("return arguments[0].naturalWidth", page.image) > 1.9 * page.image.size["width"]
    assert page.browser.execute_script(OVERFLOWS, page.image.find_element(By.XPATH, "..")) == []
    there, back = there_and_back(name)
    page.press(there)
    second = page.next_to(first)
    page.press(back)
    assert page.next_to(second) == first
    return first, second


@pytest.mark.parametrize("name", [name for name in PANELS if name != WHOLE])
def test_a_slider_that_is_moved_redraws_the_panel(name, lab, browser, tmp_path):
    with seen(browser, tmp_path / "failed.png"):
        move_a_slider(Page(browser, *lab[:2], name), name)


def test_in_a_whole_notebook_a_slider_moves_while_cells_train_and_the_button_trains_a_run(lab, browser, tmp_path):
    *address, output = lab
    with seen(browser, tmp_path / "failed.png"):
        page = Page(browser, *address, WHOLE)
        first, second = move_a_slider(page, WHOLE)
        assert not browser.find_elements(By.CSS_SELECTOR, IDLE), "a slider is heard while a cell trains"
        button = page.one(".jp-OutputArea button.jupyter-button")
        assert button.is_enabled() and button.text.strip() == "Train one run live"
        button.click()
        page.until(lambda: re.match(r"Step [1-9][\d,]* of ", page.status))
        assert not button.is_enabled()
        live = page.next_to(first)
        page.press(Keys.ARROW_RIGHT)  # while it trains
        page.until(lambda: page.shown() == second)
        page.until(lambda: page.status.endswith("done, not recorded") and button.is_enabled())
        page.press(Keys.ARROW_LEFT)
        assert page.next_to(second) not in (first, live)
        page.until(lambda: (output / "figures" / f"{WHOLE}.svg").exists())
        page.one(IDLE)
        assert not browser.find_elements(By.CSS_SELECTOR, "[data-mime-type='application/vnd.jupyter.stderr']")
    finding, tables = EXPERIMENTS[WHOLE], load_results(RECORD.results / WHOLE)
    assert not (output / "runs" / finding.live(tables, **start_of(finding.controls(tables))).id).exists()
