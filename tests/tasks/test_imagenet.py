"""Images that lie as ImageNet does: found, read, cropped, and told in one line where they are not as they should be."""

import pickle
import shutil

import numpy as np
import pytest
import tensorflow as tf

from bnrepro.config.run_config import RunConfig
from bnrepro.errors import UserError
from bnrepro.tasks import image_stream
from bnrepro.tasks.batch_order import batch_order
from bnrepro.tasks.class_folders import LABELS_OF_VAL
from bnrepro.tasks.imagenet import ImageNet
from tests.tasks.factories import CLASSES, class_folders, record, tfrecords

SIZE = 16


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return class_folders(tmp_path_factory.mktemp("imagenet"))


@pytest.fixture(scope="module")
def records(tmp_path_factory, tree):
    return tfrecords(tmp_path_factory.mktemp("tfrecords") / "records", tree)


def of(folder, **fields):
    return ImageNet(folder=str(folder), classes=3, image_size=SIZE, **fields)


def read(batches):
    images, labels = zip(*((x.numpy(), y.numpy()) for x, y in batches))
    return np.concatenate(images), np.concatenate(labels)


def trained_on(stream, seed=0, start=0, steps=6):
    rows = batch_order(seed, stream.examples, 6, steps, start)
    return read(stream.batches(rows, seed, start))


@pytest.fixture()
def copy(tree, tmp_path):
    """The tree once more, to be damaged."""
    return shutil.copytree(tree, tmp_path / "imagenet")


def test_class_folders_and_tfrecords_give_the_same_mini_batches_to_the_bit(tree, records):
    for one, other in zip(trained_on(of(tree).stream()), trained_on(of(records).stream()), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_epoch_shows_each_training_image_once_with_the_label_of_its_class(tree):
    images, labels = trained_on(of(tree).stream(), steps=3)
    assert images.shape == (18, SIZE, SIZE, 3) and images.dtype == np.float32
    assert images.min() >= 0 and images.max() <= 1
    assert sorted(labels) == [0] * 6 + [1] * 6 + [2] * 6
    np.testing.assert_array_equal(images.mean(axis=(1, 2)).argmax(axis=1), labels)  # each class has its color


def test_mini_batches_depend_on_the_seed_and_the_step_alone(tree):
    stream = of(tree).stream()
    images, labels = trained_on(stream)
    later, _ = trained_on(stream, start=2, steps=4)
    np.testing.assert_array_equal(images[12:], later)
    assert not np.array_equal(images, trained_on(stream, seed=1)[0])
    _, first_epoch, second_epoch = labels, images[:18], images[18:]
    assert not np.array_equal(np.sort(first_epoch, axis=0), np.sort(second_epoch, axis=0))  # crops are drawn anew


def test_mini_batches_are_the_same_to_the_bit_however_many_threads_read(tree, monkeypatch):
    found = []
    for threads in (1, 7):
        monkeypatch.setattr(image_stream, "cores", lambda count=threads: count)
        found.append(trained_on(of(tree).stream())[0])
    np.testing.assert_array_equal(*found)


def test_an_evaluation_shows_one_central_crop_of_every_validation_image(tree):
    stream = of(tree).stream()
    assert ((SIZE, SIZE, 3), 3) == of(tree).shapes(0) == (stream.input_shape, stream.outputs)
    images, labels = read(stream.evaluated(block=4))
    assert list(labels) == [0, 0, 1, 1, 2, 2]
    pixels = tf.io.decode_jpeg(sorted((tree / "val" / CLASSES[0]).iterdir())[0].read_bytes()).numpy()
    side = round(0.875 * min(pixels.shape[:2]))
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    expected = tf.image.resize(pixels[top : top + side, left : left + side], (SIZE, SIZE)) / 255
    np.testing.assert_allclose(images[0], expected, atol=1e-6)


def test_a_subset_of_the_validation_images_is_drawn_from_all_and_sorted():
    rows = of("", test_examples=100)._evaluated(50_000)
    assert len(set(rows)) == 100 and list(rows) == sorted(rows) and rows.max() > 40_000
    for asked in (0, 7):
        np.testing.assert_array_equal(of("", test_examples=asked)._evaluated(6), np.arange(6))


def test_a_flat_val_is_read_with_the_file_of_its_classes(copy, tree):
    flat = sorted((copy / "val").glob("*/*"), key=lambda path: path.name[::-1])
    for number, path in enumerate(flat):
        path.rename(copy / "val" / f"ILSVRC2012_val_{number:08}.JPEG")
    for wnid in CLASSES:
        (copy / "val" / wnid).rmdir()
    with pytest.raises(UserError, match=f"{LABELS_OF_VAL}: got 0 lines for 6 images"):
        of(copy).stream()
    (copy / LABELS_OF_VAL).write_text("".join(f"{path.parent.name}\n" for path in flat))
    images, labels = read(of(copy).stream().evaluated(block=6))
    np.testing.assert_array_equal(images.mean(axis=(1, 2)).argmax(axis=1), labels)
    (copy / LABELS_OF_VAL).write_text("n00000000\n" * 6)
    with pytest.raises(UserError, match="got n00000000, no folder of train"):
        of(copy).stream()


def test_a_folder_that_is_not_there_is_told_with_what_belongs_there(tmp_path):
    with pytest.raises(UserError, match="imagenet lies in a folder with train and val.*name the folder"):
        of(tmp_path / "nowhere").check_data()


@pytest.mark.parametrize("looks", [ImageNet.check_data, ImageNet.identity])
def test_a_folder_that_may_not_be_read_is_told_in_one_line(tree, monkeypatch, looks):
    def refuse(path="."):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(
        UserError, match=r"^images lie in folders that can be read: .*(train|val) cannot be \(Permission denied\)"
    ):
        looks(ImageNet(folder=str(tree), classes=len(CLASSES)))


def test_another_number_of_classes_is_told_so_that_no_small_tree_passes_for_imagenet(tree):
    with pytest.raises(UserError, match="has 3, the run 1000; set classes to 3"):
        ImageNet(folder=str(tree)).check_data()


def test_a_class_without_an_image_is_told(copy):
    shutil.rmtree(copy / "val" / CLASSES[1])
    with pytest.raises(UserError, match=f"in train and in val: .*{CLASSES[1]} has none; unpack it again"):
        of(copy).check_data()


def test_a_broken_jpeg_is_named(copy):
    path = sorted((copy / "train" / CLASSES[2]).iterdir())[1]
    path.write_bytes(path.read_bytes()[:200])
    stream = of(copy).stream()
    with pytest.raises(tf.errors.OpError) as error:
        trained_on(stream)
    told = stream.told(error.value, batch_order(0, 18, 6, 6).ravel())
    assert isinstance(told, UserError) and str(path) in str(told) and "\n" not in str(told)
    assert stream.told(error.value, [0]) is error.value  # what is whole is not blamed


def test_a_record_that_is_cut_off_is_told_before_an_image_is_read(records, tmp_path):
    own = shutil.copytree(records, tmp_path / "records")
    path = own / "train-00001-of-00002"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(UserError, match="ends within record 8, at byte"):
        of(own).stream()
    of(own).check_data()  # looks at the first file of each split, which is whole


@pytest.mark.parametrize(
    ("label", "name", "words"),
    [
        (1, "label", "Feature: image/class/label"),
        (0, "image/class/label", "image/class/label is from 1 to 3: got 0"),
        (4, "image/class/label", "image/class/label is from 1 to 3: got 4"),
    ],
)
def test_a_record_without_the_feature_or_with_no_class_is_named(records, tree, tmp_path, label, name, words):
    own = shutil.copytree(records, tmp_path / "records")
    path = sorted((tree / "train" / CLASSES[0]).iterdir())[0]
    with tf.io.TFRecordWriter(str(own / "train-00000-of-00001")) as writer:
        for at in range(3):
            writer.write(record(path, 1) if at < 2 else record(path, label, name))
    for shard in (0, 1):
        (own / f"train-{shard:05}-of-00002").unlink()
    stream = of(own).stream()
    with pytest.raises(tf.errors.OpError) as error:
        read(stream.batches(np.arange(3).reshape(1, 3), 0, 0))
    told = str(stream.told(error.value, np.arange(3)))
    assert words in told and "record 2 of" in told and "\n" not in told


def test_a_folder_is_whole_so_that_a_worker_elsewhere_finds_it(tree, monkeypatch):
    monkeypatch.chdir(tree.parent)
    assert ImageNet(folder=tree.name).folder == str(tree)


def run_on(folder):
    return RunConfig(task=of(folder))


@pytest.mark.parametrize("kind", ["tree", "records"])
def test_where_the_data_lie_is_in_no_id_and_in_no_table(kind, tmp_path, request):
    folder = request.getfixturevalue(kind)
    one, other = run_on(folder), run_on(shutil.copytree(folder, tmp_path / "moved"))
    assert one.id == other.id and one.as_dict() == other.as_dict() and one != other
    assert one.id != RunConfig(task=of(folder, test_examples=3)).id
    assert one.compilation_key == other.compilation_key


def test_a_run_on_other_data_is_another_run(tree, records, copy):
    ids = [run_on(tree).id, run_on(records).id, run_on("/nowhere").id]
    path = copy / "train" / CLASSES[1] / "more.JPEG"
    path.write_bytes(b"1")
    ids.append(run_on(copy).id)
    path.write_bytes(b"12")
    ids.append(run_on(copy).id)
    path = path.rename(copy / "val" / CLASSES[1] / "more.JPEG")
    ids.append(run_on(copy).id)
    path.rename(copy / "val" / CLASSES[2] / "more.JPEG")
    ids.append(run_on(copy).id)
    assert len(set(ids)) == len(ids)
    assert run_on(copy)["task.fingerprint"].startswith("18-7-")


def test_a_flat_val_with_other_classes_is_other_data(copy):
    shutil.rmtree(copy / "val")
    (copy / "val").mkdir()
    (copy / "val" / "1.JPEG").write_bytes(b"1")
    ids = {run_on(copy).id}
    for wnid in CLASSES[:2]:
        (copy / LABELS_OF_VAL).write_text(f"{wnid}\n")
        ids.add(run_on(copy).id)
    assert len(ids) == 3


def test_a_run_of_a_row_keeps_its_id_wherever_the_data_lie_and_refuses_others(tree, copy):
    again = RunConfig.of_row(run_on(tree).as_dict())
    assert again.id == run_on(tree).id and again.task.folder == ""
    assert again.replace(folder=str(copy)).task.stream().examples == 18
    (copy / "train" / CLASSES[1] / "more.JPEG").write_bytes(b"1")
    with pytest.raises(UserError, match=r"has 19-6-.*, the run 18-6-.*; put those back, or start anew"):
        again.replace(folder=str(copy)).task.stream()


def test_data_that_change_before_a_worker_reads_them_are_refused(copy):
    config = run_on(copy)
    assert config.id
    sent = pickle.dumps(config)
    (copy / "train" / CLASSES[1] / "more.JPEG").write_bytes(b"1")
    with pytest.raises(UserError, match="sees the data that are in its id"):
        pickle.loads(sent).task.stream()


def test_a_missing_file_of_records_is_named(records, tmp_path):
    own = shutil.copytree(records, tmp_path / "records")
    (own / "validation-00000-of-00002").unlink()
    with pytest.raises(UserError, match="has no validation-00000-of-00002; copy it there"):
        of(own).check_data()
    (own / "validation-00001-of-00002").unlink()
    with pytest.raises(UserError, match="nothing of the other split beside train-00000-of-00002; name"):
        of(own).check_data()


def test_records_of_two_sets_are_not_mixed(records, tmp_path):
    own = shutil.copytree(records, tmp_path / "records")
    shutil.copy(own / "train-00000-of-00002", own / "train-00000-of-00001")
    with pytest.raises(UserError, match="one set: .* has train-00000-of-00001 and train-00000-of-00002; remove"):
        of(own).stream()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"engine": "jax"}, "imagenet is read by TensorFlow: got the engine jax"),
        ({"fit_examples": 10}, "evaluated on its validation images alone: got fit_examples 10"),
        ({"measurements": "modes"}, "modes measures on a whole data set in memory"),
    ],
)
def test_what_needs_all_examples_in_memory_is_refused(values, words):
    with pytest.raises(UserError, match=words):
        RunConfig(task="imagenet", **values)
