"""The machine and the versions that a number was made with. Knows nothing of the other rooms and loads no library."""

import functools
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from bnrepro import __version__

PACKAGES = ("tensorflow", "keras", "numpy")


@functools.cache
def versions() -> dict[str, str]:
    """Version of Python, of each of `PACKAGES`, and of this package, which may be a checkout that nobody installed."""
    found = {name: _version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **found, "bnrepro": __version__}


@functools.cache
def processor() -> str:
    """The processor's name, as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


@functools.cache
def instruction_sets() -> tuple[str, ...]:
    """Those of the vector instructions that matter here and that the processor has."""
    known = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "sve")
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            flags = next(line.split(":")[1].split() for line in file if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        return ()
    return tuple(name for name in known if name in flags)


def load() -> float:
    """Processes that wanted a core in the last minute, on average; NaN where the system does not tell."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else float("nan")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_memory_mib() -> float:
    """The most memory this process has held so far, in MiB; NaN where the system does not tell."""
    try:
        # Linux's getrusage also counts what the parent held when it started this process.
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 2**10
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def provenance() -> str:
    """One line for the top of a notebook: versions, processor, cores."""
    names = ", ".join(f"{name} {found}" for name, found in versions().items())
    return f"{names}; {processor()}, {cores()} cores"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
