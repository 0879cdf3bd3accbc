"""Shell completion: scripts that the shells accept and that offer what the command knows."""

import shutil
import subprocess

import pytest

from bnrepro.cli import main
from bnrepro.completion import SHELLS
from bnrepro.jupyter.parameters import find_notebooks


def script_for(shell: str, capsys) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_names_every_command_and_what_its_options_take(shell, capsys):
    script = script_for(shell, capsys)
    for word in (
        "verdicts",
        "completion",
        "compare",
        "dry-run",
        "grid",
        "fetch",
        "quick",
        "svg",
        "cifar10",
        "jacobians",
    ):
        assert word in script
    assert all(path.stem in script for path in find_notebooks())


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_one_that_its_shell_can_read(shell, capsys, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on this machine")
    file = tmp_path / "script"
    file.write_text(script_for(shell, capsys))
    assert subprocess.run([shell, "-n", str(file)], capture_output=True, check=False).stderr == b""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["bnrepro", "verd"], ["verdicts"]),
        (["bnrepro", "run", "--preset", ""], ["smoke", "quick", "paper"]),
        (["bnrepro", "run", "03"], ["03_learning_rates"]),
        (["bnrepro", "figures", "--panel", "jacob"], ["jacobians"]),
    ],
)
def test_bash_offers_what_fits(words, offered, capsys, tmp_path):
    if shutil.which("bash") is None:
        pytest.skip("no bash on this machine")
    file = tmp_path / "script"
    file.write_text(script_for("bash", capsys))
    typed = " ".join(f'"{word}"' for word in words)
    ask = f"source {file}; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _shtab_bnrepro; echo ${{COMPREPLY[@]}}"
    assert subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True).stdout.split() == offered
