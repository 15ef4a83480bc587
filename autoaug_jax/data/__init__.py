"""Images and labels: where they come from, how they are split, and the batches of a step."""

from autoaug_jax.data.arrays import from_arrays, load_npz
from autoaug_jax.data.batches import (
  Held,
  evaluation_batch,
  evaluation_feed,
  feeds,
  hold,
  resident_feed,
  streamed_feed,
)
from autoaug_jax.data.catalog import load_tfds
from autoaug_jax.data.digits import load_digits
from autoaug_jax.data.folder import load_folder, prepare_folder
from autoaug_jax.data.glance import Heads, glance
from autoaug_jax.data.load import load
from autoaug_jax.data.order import Order, resplit, sequential, shuffled
from autoaug_jax.data.scan import Finding
from autoaug_jax.data.source import Examples, Source, data_root, fingerprint, in_memory
from autoaug_jax.data.splits import Split, load_split, save_split, split

__all__ = [
  "Examples",
  "Finding",
  "Heads",
  "Held",
  "Order",
  "Source",
  "Split",
  "data_root",
  "evaluation_batch",
  "evaluation_feed",
  "feeds",
  "fingerprint",
  "from_arrays",
  "glance",
  "hold",
  "in_memory",
  "load",
  "load_digits",
  "load_folder",
  "load_npz",
  "load_split",
  "load_tfds",
  "prepare_folder",
  "resident_feed",
  "resplit",
  "save_split",
  "sequential",
  "shuffled",
  "split",
  "streamed_feed",
]
