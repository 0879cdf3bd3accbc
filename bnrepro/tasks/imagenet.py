"""ImageNet as a task: class folders or TFRecords, read while a net trains. Knows no model; loads TensorFlow when it reads."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bnrepro.config.component import field
from bnrepro.config.registry import register
from bnrepro.config.validation import ANY, NOT_NEGATIVE, at_least
from bnrepro.errors import UserError
from bnrepro.records.workspace import CACHE
from bnrepro.tasks.base import Classification
from bnrepro.tasks.class_folders import classes_in, files_by_class
from bnrepro.tasks.fingerprint import fingerprint
from bnrepro.tasks.random_streams import VALIDATION, random_stream
from bnrepro.tasks.tfrecords import Records, check_shards, records_in


@contextlib.contextmanager
def _looking() -> Iterator[None]:
    """Says in one line what of a folder may not be looked at."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"images lie in folders that can be read: {error.filename} cannot be ({error.strerror}); change its rights, or name "
            "another folder"
        ) from None


@register("task", "imagenet")
class ImageNet(Classification):
    """ImageNet (ILSVRC 2012), or any images that lie as it does; its validation images are the split `test`.

    Training shows a random crop of 8 to 100% of an image's area, sides 3 to 4 at most, flipped or not (Szegedy et al. 2014,
    section 6); an evaluation shows one central crop.
    """

    streams: ClassVar[bool] = True

    folder: str = field(
        "",
        ANY,
        "has train/CLASS/*.JPEG and val, or train-*-of-* and validation-*-of-*; empty means imagenet in the cache",
        compiled=False,
        identity=False,
    )
    classes: int = field(1000, at_least(2), "classes; there are so many in the folder")
    image_size: int = field(224, at_least(16), "height and width of a crop, in pixels")
    test_examples: int = field(
        0, NOT_NEGATIVE, "validation images evaluated on at most, alike at every seed; 0 means all", compiled=False
    )
    fingerprint: str = field(
        "", ANY, "files, names and sizes that the folder has; empty means: those that are in it", compiled=False
    )

    def __post_init__(self):
        super().__post_init__()
        if self.folder:  # whole, for a worker may be in another folder
            object.__setattr__(self, "folder", os.path.abspath(os.path.expanduser(self.folder)))

    @property
    def path(self) -> Path:
        """Where the data lie."""
        return Path(self.folder or CACHE / "imagenet")

    def identity(self) -> dict[str, Any]:
        """Where the data lie is not in it, but what they are, as of when it was first asked for."""
        with _looking():
            found = self.fingerprint or vars(self).get("_found") or fingerprint(self.path)
        vars(self)["_found"] = found  # travels to workers
        return {**super().identity(), "fingerprint": found}

    def check(self, config) -> None:
        if config.engine == "jax":
            raise UserError("imagenet is read by TensorFlow: got the engine jax; leave engine out")
        if config.fit_examples:
            raise UserError(
                f"imagenet is evaluated on its validation images alone: got fit_examples {config.fit_examples}; leave it out"
            )
        for one in config.measurements:
            if not one.of_few_examples:
                raise UserError(f"{one} measures on a whole data set in memory: got it with imagenet; leave it out")

    def check_data(self) -> None:
        self._splits(files=1)

    def shapes(self, seed: int) -> tuple[tuple[int, ...], int]:
        return (self.image_size, self.image_size, 3), self.classes

    def stream(self):
        """An `ImageStream`.

        Raises:
            UserError: No such folder, no images or records in it, another number of classes, a class without an image, a file of
                records that is missing, or other data than the run has in its id.
        """
        from bnrepro.tasks.image_stream import ImageStream

        train, test = self._splits()
        asked, found = self.identity()["fingerprint"], fingerprint(self.path)
        if asked != found:
            raise UserError(
                f"a run sees the data that are in its id: {self.path} has {found}, the run {asked}; put those back, or start anew"
            )
        return ImageStream(train, test, self._evaluated(len(test)), self.image_size, self.classes)

    @_looking()
    def _splits(self, files: int | None = None) -> tuple:
        """Training and validation images; of many records those of so many files."""
        records = records_in(self.path)
        if all(records):
            for own in records:
                check_shards(own)
            return tuple(Records(own[:files], self.classes) for own in records)
        if not all((self.path / split).is_dir() for split in ("train", "val")):
            came = f"nothing of the other split beside {sum(records, [])[0].name}" if any(records) else "neither"
            raise UserError(
                "imagenet lies in a folder with train and val, a folder a class, or with train-*-of-* and "
                f"validation-*-of-*: {self.path} has {came}; name the folder, as -p folder=/data/imagenet"
            )
        found = len(classes_in(self.path))
        if found != self.classes:
            raise UserError(
                f"the folder has as many classes as the run: {self.path / 'train'} has {found}, the run {self.classes}; set "
                f"classes to {found}, or unpack what is missing"
            )
        return files_by_class(self.path)

    def _evaluated(self, total: int) -> np.ndarray:
        """The places of the validation images that a run is evaluated on, among `total`."""
        if not 0 < self.test_examples < total:
            return np.arange(total)
        return np.sort(random_stream(0, VALIDATION).permutation(total)[: self.test_examples])
