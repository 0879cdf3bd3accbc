"""Small trees of random photographs that lie as ImageNet does, for tests."""

from pathlib import Path

import numpy as np
import tensorflow as tf

CLASSES = ("n01440764", "n02119789", "n03000684")
SPLITS = {"train": ("train", 6, "train"), "val": ("val", 2, "validation")}


def class_folders(folder: Path) -> Path:
    """`train` and `val` with six and two JPEGs a class, of sizes that differ; each class has its color."""
    draw = np.random.default_rng(0)
    for split, (name, each, _) in SPLITS.items():
        for label, wnid in enumerate(CLASSES):
            (folder / name / wnid).mkdir(parents=True)
            for number in range(each):
                pixels = draw.integers(0, 60, (*draw.integers(20, 40, 2), 3), np.uint8)
                pixels[..., label] += 150
                jpeg = tf.io.encode_jpeg(pixels, quality=95).numpy()
                (folder / name / wnid / f"{wnid}_{split}_{number}.JPEG").write_bytes(jpeg)
    return folder


def tfrecords(folder: Path, tree: Path, shards: int = 2) -> Path:
    """The images of a tree of class folders in the usual files, in its order, their classes from 1 on."""
    folder.mkdir()
    for name, _, split in SPLITS.values():
        paths = [
            (path, label) for label, wnid in enumerate(CLASSES, 1) for path in sorted((tree / name / wnid).iterdir())
        ]
        for shard, part in enumerate(np.array_split(np.arange(len(paths)), shards)):
            with tf.io.TFRecordWriter(str(folder / f"{split}-{shard:05}-of-{shards:05}")) as writer:
                for index in part:
                    writer.write(record(*paths[index]))
    return folder


def record(path: Path, label: int, label_name: str = "image/class/label") -> bytes:
    """One image as the usual script packs it."""
    image = tf.train.Feature(bytes_list=tf.train.BytesList(value=[path.read_bytes()]))
    number = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
    features = tf.train.Features(feature={"image/encoded": image, label_name: number})
    return tf.train.Example(features=features).SerializeToString()
