"""Make the small TensorFlow detector that the tests read: a frozen graph and a SavedModel.

    pip install tensorflow    # 2.21.0 made the files in the repository
    python tools/make_frozen_graph.py

It has the inputs, outputs and kinds of operations of a Mask R-CNN of the TensorFlow Object Detection API (a
loop over the images, CropAndResize, NonMaxSuppression, outputs that nobody needs), but no weights: it finds
regions of plain colour. Each of the `ANCHORS` is cut out of the picture as 33 x 33 values; its score is the
mean of its strongest colour, its class is 1, 2 or 3 for red, green and blue, its soft mask is that colour. So
everything about an answer follows from the pixels, and `tests/test_tensorflow.py` computes it again in numpy.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

DATA = Path(__file__).parent.parent / "tests/data"
SIDE = 33
ROWS = 10
LEAST_SCORE = 0.3
LARGEST_OVERLAP = 0.5
ANCHORS = np.array(
    [
        [y * step, x * step, y * step + side, x * step + side]  # y_min, x_min, y_max, x_max
        for step, side, count in ((0.25, 0.25, 4), (0.125, 0.5, 5))
        for y in range(count)
        for x in range(count)
    ],
    np.float32,
)


def detect(image: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Boxes, classes, scores, masks and their number, for one picture [H, W, 3] RGB, 0 to 255."""
    anchors = tf.constant(ANCHORS)
    first = tf.zeros([len(ANCHORS)], tf.int32)
    crops = tf.image.crop_and_resize(image[None], anchors, first, [SIDE, SIDE]) / 255.0
    strength = tf.reduce_mean(crops, [1, 2])
    scores = tf.reduce_max(strength, 1)
    classes = tf.argmax(strength, 1, output_type=tf.int32)
    kept = tf.image.non_max_suppression(anchors, scores, ROWS, LARGEST_OVERLAP, LEAST_SCORE)
    count = tf.size(kept)
    masks = tf.gather(
        tf.transpose(tf.gather(crops, kept), [0, 3, 1, 2]), tf.gather(classes, kept), batch_dims=1
    )

    def padded(values: tf.Tensor) -> tf.Tensor:
        rest = [[0, 0]] * (values.shape.rank - 1)
        shape = [ROWS, *values.shape[1:]]
        return tf.reshape(tf.pad(values, [[0, ROWS - count], *rest]), shape)

    return (
        padded(tf.gather(anchors, kept)),
        padded(tf.cast(tf.gather(classes, kept) + 1, tf.float32)),
        padded(tf.gather(scores, kept)),
        padded(masks),
        tf.cast(count, tf.float32),
    )


def build() -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    images = tf.compat.v1.placeholder(tf.uint8, [1, None, None, 3], name="image_tensor")
    pictures = tf.cast(images, tf.float32)
    boxes, classes, scores, masks, count = tf.map_fn(detect, pictures, fn_output_signature=(tf.float32,) * 5)
    outputs = {
        "detection_boxes": tf.ensure_shape(boxes, [1, ROWS, 4]),
        "detection_classes": classes,
        "detection_scores": scores,
        "detection_masks": tf.ensure_shape(masks, [1, ROWS, SIDE, SIDE]),
        "num_detections": count,
        # What such models put out besides.
        "raw_detection_boxes": boxes + 0.0,
        "detection_multiclass_scores": tf.stack([scores, scores], 2),
        "detection_anchor_indices": tf.zeros_like(scores),
    }
    named = {name: tf.identity(tensor, name) for name, tensor in outputs.items()}
    tf.identity(tf.shape(images), "nobody/reads/this")
    return images, named


def _save(
    session: tf.compat.v1.Session, folder: Path, images: tf.Tensor, outputs: dict[str, tf.Tensor]
) -> None:
    info = tf.compat.v1.saved_model.build_tensor_info
    signature = tf.compat.v1.saved_model.build_signature_def(
        {"image_tensor": info(images)}, {name: info(tensor) for name, tensor in outputs.items()}
    )
    builder = tf.compat.v1.saved_model.Builder(str(folder))
    builder.add_meta_graph_and_variables(
        session, ["serve"], {"serving_default": signature}, strip_default_attrs=True
    )
    builder.save()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=DATA, help="directory of the files")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    tf.compat.v1.disable_control_flow_v2()  # loops as in graphs of TensorFlow 1
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        images, outputs = build()
        (out / "detector.pb").write_bytes(graph.as_graph_def().SerializeToString(deterministic=True))
        shutil.rmtree(out / "detector", ignore_errors=True)
        _save(session, out / "detector", images, outputs)
    for path in sorted(out.rglob("*")):
        if path.is_file():
            print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
