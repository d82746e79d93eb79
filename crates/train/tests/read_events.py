"""Reads with TensorBoard's own reader what tests/tensorboard.rs wrote: python read_events.py DIRECTORY"""

import glob
import math
import os
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util import tensor_util

directory = os.path.join(sys.argv[1], "run")
for file in glob.glob(directory + "/*"):
    assert sum(1 for _ in EventFileLoader(file).Load()) > 2, file

everything = {"scalars": 0, "tensors": 0, "images": 0, "histograms": 0}
run = EventAccumulator(directory, size_guidance=everything).Reload()

# Twelve steps of the first file, for the second takes back what came after, and three of the second.
loss = [(event.step, event.value) for event in run.Scalars("train/loss")]
assert [step for step, _ in loss] == list(range(1, 16)), loss
assert all(abs(value - 1 / step) < 1e-7 for step, value in loss), loss
assert math.isnan(run.Scalars("strange")[0].value)

for tag, buckets, count in [("weights", 64, 641), ("equal", 1, 7), ("nothing", 1, 0), ("huge", 64, 3)]:
    (event,) = run.Histograms(tag)
    histogram = event.histogram_value
    assert event.step == 3 and len(histogram.bucket) == len(histogram.bucket_limit) == buckets, (tag, histogram)
    assert sum(histogram.bucket) == histogram.num == count, (tag, histogram)

for tag, size in [("red", (3, 2)), ("grey", (4, 5))]:
    (event,) = run.Images(tag)
    assert (event.step, event.width, event.height) == (4, *size) and event.encoded_image_string.startswith(b"\x89PNG")

(event,) = run.Tensors("note")
assert tensor_util.make_ndarray(event.tensor_proto)[0].decode() == "a *note* – with more than ASCII"
print("TensorBoard reads all of it.")
