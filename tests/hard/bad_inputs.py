"""Bad inputs over every command and every parameter of every notebook: each is refused before anything is done."""

import contextlib
import io
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path
from unittest import mock

from hypothesis import strategies

from bnrepro import cli
from bnrepro.config.registry import names
from bnrepro.config.validation import ENGINES, PRESETS
from bnrepro.jupyter.parameters import find_notebooks, parameters
from bnrepro.plotting.save import FORMATS
from bnrepro.records.workspace import CACHE, CHECKOUT, COMMITTED
from bnrepro.tasks.archives import ARCHIVES
from tests.hard.drawing import drawn
from tests.hard.trials import Place, Trial, Trials, command

AS_PROCESS = 16
"""Each such trial is also made as a process of its own."""

WATCHED = [*(CHECKOUT / name for name in ("data", "notebooks", "figures", "docs", "README.md")), CACHE]
"""Where a command could write, besides its working folder."""

WORK = (
    "bnrepro.jupyter.batch.run_batch",
    "bnrepro.report.write.write_kept_report",
    "bnrepro.report.sheets.save_figure",
    "bnrepro.tasks.download._run",
    "bnrepro.report.committed.publish",
)
"""What a command does once its input is taken."""

BENCHMARKS = "bnrepro.benchmarks.bench"
"""Does the work of `bench`, and would bring TensorFlow."""

RECORD = str(CHECKOUT / "data" / "results")

COMMANDS = {
    "run": ["99"],
    "list": [],
    "verdicts": [],
    "compare": [RECORD, RECORD],
    "figures": [],
    "report": [],
    "bench": [],
    "data": ["list"],
}
"""The commands, with words that are right."""

NOT_A_KIND = {"int": int, "float": float}


@dataclass(frozen=True)
class Bad:
    """Words of a command line that are to be refused, and what stands around them.

    Attributes:
        words: The words. `FILE` in them stands for a file with `content`.
        content: Of that file.
        environment: Variables that are set.
    """

    words: tuple[str, ...]
    content: bytes = b""
    environment: dict[str, str] = field(default_factory=dict)


class Accepted(BaseException):
    """A bad input was taken; no `Exception`, so that nothing reports it as a failure of its own."""


def texts() -> strategies.SearchStrategy[str]:
    """Words of any signs: some longer than a file's name may be, some that are no UTF-8, none that looks like an option."""
    plain = strategies.text(strategies.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
    long = strategies.text("ab/ {}é", min_size=300, max_size=5_000)
    odd = plain.map(lambda text: f"{text}\udcff")
    return strategies.one_of(plain, plain, long, odd).filter(lambda text: not text.startswith("-"))


def bad_paths() -> strategies.SearchStrategy[str]:
    """Where nothing can or may be written."""
    committed = strategies.sampled_from(COMMITTED).map(lambda name: str(CHECKOUT / name))
    below_a_file = texts().filter(lambda text: text.strip("/.")).map(lambda text: f"FILE/{text.strip('/.')}")
    too_long = strategies.integers(256, 5_000).map(lambda length: "a" * length)
    return strategies.one_of(
        committed, below_a_file, too_long, strategies.just("FILE"), strategies.just("~nobody-here/out")
    )


def bad_values(name: str, kind: str) -> strategies.SearchStrategy[str]:
    """Texts that a parameter of that name and type does not take."""
    if name == "output_root":
        return bad_paths()
    if name == "folder":
        return texts()  # without its task any is too many
    if kind == "bool":
        return texts().filter(lambda text: text.lower() not in ("true", "false"))
    if kind == "str":
        known = {"preset": PRESETS, "task": names("task"), "another_arm": names("normalization"), "engine": ENGINES}[
            name
        ]
        return strategies.one_of(strategies.just(""), texts().filter(lambda text: text not in known))
    words = texts().filter(lambda text: not _reads_as(NOT_A_KIND[kind], text))
    low = strategies.integers(max_value=0).map(str)
    if kind == "int":
        return strategies.one_of(words, low, strategies.floats().map(repr))
    special = strategies.sampled_from(["nan", "inf", "-inf", "1e999", "-0.0"])
    return strategies.one_of(words, low, special, strategies.floats(max_value=0).map(repr))


def sites() -> dict[str, strategies.SearchStrategy[Bad]]:
    """Everywhere that an input can be bad, with what it can be."""
    found = {"no command": strategies.just(Bad(()))}

    def add(name: str, values: strategies.SearchStrategy, *words: str, **others) -> None:
        """Words, in which `VALUE` stands for what is drawn."""
        found[name] = values.map(lambda value: Bad(tuple(word.replace("VALUE", value) for word in words), **others))

    add("command", texts().filter(lambda text: text not in COMMANDS), "VALUE")
    unknown = strategies.text("qxyz", min_size=1, max_size=8)
    for name, right in COMMANDS.items():
        add(f"{name} --unknown", unknown, name, *right, "--VALUE")
        if name not in ("run", "figures", "bench"):  # these take words
            add(f"{name} surplus", texts(), name, *right, "VALUE")
    for name in ("run", "verdicts", "report"):
        words = texts().filter(lambda text: text not in PRESETS)
        add(f"{name} --preset", strategies.one_of(strategies.just(""), words), name, "--preset", "VALUE")
    stems = {part for path in find_notebooks() for part in (path.stem, path.stem.split("_")[0])}
    add("run NOTEBOOK", texts().filter(lambda text: text.removesuffix(".ipynb") not in stems), "run", "VALUE")
    add("run NOTEBOOK.ipynb", texts().filter(lambda text: text not in stems), "run", "VALUE.ipynb")
    add("run --jobs", bad_values("jobs", "int"), "run", "99", "--jobs=VALUE")
    add("run --output", bad_paths(), "run", "99", "--output", "VALUE")
    add("run -p without value", texts().filter(lambda text: "=" not in text), "run", "99", "-p", "VALUE")
    add("run -p unknown", texts().filter(lambda text: "=" not in text), "run", "99", "-p", "qVALUE=1")
    add("run --grid without values", texts().filter(lambda text: "=" not in text), "run", "01", "--grid", "VALUE")
    add("run --grid unknown", texts().filter(lambda text: "=" not in text), "run", "01", "--grid", "qVALUE=1")
    add("run --grid seeds", bad_values("seeds", "int"), "run", "01", "--grid", "seeds=VALUE")
    add(
        "run preset twice",
        strategies.sampled_from(["smoke", "quick"]),
        *"run 99 --preset paper -p preset=VALUE".split(),
    )
    add("verdicts --output", texts().filter(bool).map(lambda text: f"nowhere{text}"), "verdicts", "--output", "VALUE")
    nowhere = texts().map(lambda text: f"nowhere/{text}")
    unwritable = strategies.one_of(bad_paths().filter(lambda path: path != "FILE"), nowhere)
    add("compare OLD", nowhere, "compare", "VALUE", RECORD)
    add("compare NEW", nowhere, "compare", RECORD, "VALUE")
    add("report --output", unwritable, "report", "--output", "VALUE")
    add("bench --json", unwritable, "bench", "--json", "VALUE")
    add("figures NOTEBOOK", texts().filter(lambda text: text.removesuffix(".ipynb") not in stems), "figures", "VALUE")
    add("figures --panel", texts().filter(bool).map(lambda text: f"q{text}"), "figures", "--panel", "VALUE")
    add("figures --output", bad_paths(), "figures", "00", "--output", "VALUE")
    add("figures --format", texts().filter(lambda text: text not in FORMATS), "figures", "00", "--format=VALUE")
    for option in ("width", "font-size"):
        add(f"figures --{option}", bad_values(option, "float"), "figures", "00", f"--{option}=VALUE")
    add("run --plugin", nowhere, "run", "99", "--plugin", "VALUE")
    broken = strategies.sampled_from([b"1 +", b"raise ValueError('a\nb')", b"\0", b"\xff", b"import nowhere_at_all"])
    found["run --plugin FILE"] = broken.map(lambda content: Bad(("run", "99", "--plugin", "FILE"), content))
    add("data ACTION", texts().filter(lambda text: text not in ("list", "fetch", "verify")), "data", "VALUE")
    found["data without action"] = strategies.just(Bad(("data",)))
    add("data fetch NAME", texts().filter(lambda text: text not in ARCHIVES), "data", "fetch", "VALUE")
    jobs = bad_values("jobs", "int").filter(lambda text: "\udcff" not in text)
    found["BNREPRO_JOBS"] = jobs.map(lambda text: Bad(("run", "99"), environment={"BNREPRO_JOBS": text}))
    found["run FILE"] = strategies.one_of(
        strategies.binary(max_size=200), _jsons().map(lambda value: json.dumps(value).encode())
    ).map(lambda content: Bad(("run", "FILE.ipynb"), content))
    for notebook in find_notebooks():
        for row in parameters(notebook):
            add(
                f"{notebook.stem} {row.name}",
                bad_values(row.name, row.type),
                "run",
                notebook.stem,
                "-p",
                f"{row.name}=VALUE",
            )
    return found


def _jsons() -> strategies.SearchStrategy:
    keys = strategies.sampled_from(["cells", "metadata", "nbformat", "nbformat_minor", "source", "cell_type", "tags"])
    leaves = strategies.one_of(
        strategies.none(), strategies.booleans(), strategies.integers(-5, 5), strategies.text(max_size=5)
    )
    return strategies.recursive(
        leaves,
        lambda children: strategies.one_of(
            strategies.lists(children, max_size=4), strategies.dictionaries(keys, children, max_size=7)
        ),
    )


def _reads_as(kind: type, text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def inputs(count: int, seed: int) -> list[tuple[str, Bad]]:
    """That many bad inputs, every site in turn."""
    places = sites()
    each = -(-count // len(places))
    lists = [[(name, bad) for bad in drawn(strategy, each, seed)] for name, strategy in places.items()]
    return [one for one in chain.from_iterable(zip_longest(*lists)) if one][:count]


def faults(bad: Bad, folder: Path, as_process: bool) -> list[str]:
    """What is wrong with the way in which an input is refused."""
    file = folder / "file.ipynb"
    file.write_bytes(bad.content)
    words = [word.replace("FILE.ipynb", str(file)).replace("FILE", str(file)) for word in bad.words]
    before = _files(folder)
    found = []
    for way in [_in_this_process, *[_as_process] * as_process]:
        code, out, err = way(words, bad.environment, folder)
        found += [f"exit code {code}"] if code != 2 else []
        found += [f"printed {out[:80]!r}"] if out else []
        found += [f"said {err[-300:]!r}"] if len(err.splitlines()) != 1 or not err.startswith("bnrepro: ") else []
        after = _files(folder)
        found += [
            f"wrote {path}" for path in sorted(after.keys() | before.keys()) if after.get(path) != before.get(path)
        ]
    return [f"{fault} for {bad}" for fault in found]


def _in_this_process(words: list[str], environment: dict, folder: Path) -> tuple[int | str, str, str]:
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True) for _ in range(2))
    for name in WORK:  # now, for what is loaded while `sys.modules` is patched is forgotten, and NumPy loads but once
        pkgutil.resolve_name(name)
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.chdir(folder))
        stack.enter_context(mock.patch.dict(os.environ, environment))
        stack.enter_context(
            mock.patch.dict(sys.modules, {BENCHMARKS: mock.Mock(bench=mock.Mock(side_effect=Accepted))})
        )
        for name in WORK:
            stack.enter_context(mock.patch(name, side_effect=Accepted))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        try:
            code = cli.main(words)
        except SystemExit as end:
            code = end.code
        except Accepted:
            code = "none, it was accepted"
        except Exception as error:
            code = f"none, it raised {error!r}"
    return code, *(stream.buffer.getvalue().decode() for stream in (out, err))


def _as_process(words: list[str], environment: dict, folder: Path) -> tuple[int, str, str]:
    environment = os.environ | environment | {"PYTHONPATH": str(CHECKOUT), "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "bnrepro", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=600)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of each file that there is, and that each folder is there."""
    paths = chain.from_iterable([root, *root.rglob("*")] for root in (folder, *WATCHED) if root.exists())
    status = {str(path): path.stat() for path in paths if "__pycache__" not in path.parts}
    return {
        path: (0, 0) if os.path.isdir(path) else (one.st_size, one.st_mtime_ns) for path, one in sorted(status.items())
    }


@contextlib.contextmanager
def begin(place: Place) -> Iterator[Trial]:
    bad = inputs(max(place.count, TRIALS.count), place.seed)

    def trial(number, chance):
        site, one = bad[number]
        return one.words[0] if one.words and one.words[0] in COMMANDS else "no command", [
            f"{site}: {fault}" for fault in faults(one, place.folder, number % AS_PROCESS == 0)
        ]

    yield trial


TRIALS = Trials(
    name="bad_inputs",
    tried="A bad input drawn by Hypothesis, over every command and every parameter of every notebook; "
    f"every {AS_PROCESS}th also as a process of its own",
    wrong="another exit code than 2, more or less than one line, a traceback, a file written",
    count=200,
    begin=begin,
)

if __name__ == "__main__":
    sys.exit(command(TRIALS))
