"""Files and folders that are there whole or not at all: written under another name, then renamed. Knows none of their contents.

A folder takes the place of another in two steps, between which there is none: `locked` keeps readers and other writers out.

What is written has the rights that the umask of its writer gives, as anything made without a draft. `tempfile`'s would be
its owner's alone, in a folder that others read too.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path


def new_folder(prefix: str, folder: Path) -> Path:
    """Makes a folder of a name that no other process has, in `folder`, which is made too if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{prefix}{secrets.token_hex(4)}"
    made.mkdir()
    return made


@contextlib.contextmanager
def draft_folder(name: str, folder: Path) -> Iterator[Path]:
    """A hidden folder beside the one that is to be `name`; what is left of it goes when the block ends."""
    draft = new_folder(f".{name}.", folder)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextlib.contextmanager
def locked(folder: Path, alone: bool = False) -> Iterator[None]:
    """While it lasts, no other process swaps a folder in this one, or, if `alone`, is in such a block at all.

    The lock goes with its process, and leaves no file. Where the system has none, as some network drives, there is none.
    """
    with _lock(folder, alone):
        yield


def abandoned(name: str, folder: Path) -> list[Path]:
    """The folders that `draft_folder` made for a name and that a kill left with something in them: nobody has them `locked`.

    Where the system has no locks nobody can tell, and there is none.
    """
    return [draft for draft in folder.glob(f".{name}.*") if any(draft.iterdir()) and _is_free(draft)]


def _is_free(folder: Path) -> bool:
    with _lock(folder, alone=True, wait=False) as got:
        return got


@contextlib.contextmanager
def _lock(folder: Path, alone: bool, wait: bool = True) -> Iterator[bool]:
    """Whether the lock of a folder was got, which is let go with the block."""
    try:
        import fcntl
    except ImportError:
        yield False
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB))
            got = True
        except OSError:
            got = False
        yield got
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, its folder too if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    try:
        write_bytes(draft, content)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> str:
    """Writes a new file, waits until the disk has it, and returns the sha256 of what is in it."""
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(content).hexdigest()
