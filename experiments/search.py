"""Learns an augmentation for a set of images.

  python -m experiments.search --method=slack --workdir=runs/digits      # handwritten digits
  python -m experiments.search --method=slack --data=photos --size=32 --model=wrn-16-1 \\
      --workdir=runs/photos
  python -m experiments.retrain --data=photos --size=32 --model=wrn-16-1 --seeds=5 \\
      --policy=runs/photos/policy.json

`--data` is "digits" (built in), a folder or archive with one folder of images for each class, a
.npz file, or a TFDS name. Data with a part "val" of their own are validated on it; otherwise each
method holds out its share of the training images. No step is chosen by test accuracy.

The work directory gets policy.json, which `experiments.retrain` trains with, trajectory.npz, what
the policy was on the way, search.json, and pictures. Started again with the same flags, a search
goes on where it was, to the same bits.
"""

import sys
from collections.abc import Sequence
from typing import Any

from absl import app, flags, logging

from autoaug_jax.app import (
  How,
  SearchSetting,
  attributes,
  option_types,
  search,
  search_lines,
  sized,
)

HOW = ("devices", "sync_norm", "log_every", "save_every", "memory_budget", "cache_dir")


def define_flags() -> None:
  """A flag for each field of SearchSetting and How, and for each option of each method."""
  kinds = option_types()
  flags.DEFINE_enum("method", "slack", sorted(kinds), "How the augmentation is learned.")
  flags.DEFINE_string("workdir", None, "A folder for all that comes of it.", required=True)
  flags.DEFINE_string(
    "budget",
    "",
    "How long it may take, about: 1m, 5m, 20m; or paper, the paper's own length. It sets the "
    "method's times, which flags of their own override.",
  )
  _define(SearchSetting, SearchSetting()._asdict())
  _define(How, {name: How()._asdict()[name] for name in HOW})
  flags.DEFINE_enum("on_nan", "stop", ["stop", "rewind"], attributes(How)["on_nan"])
  for name, kind in kinds.items():
    _define(kind, kind()._asdict(), prefix=f"{name}_")


def _define(kind: type, defaults: dict[str, Any], *, prefix: str = "") -> None:
  texts = attributes(kind)
  for name, default in defaults.items():
    define: Any = {
      bool: flags.DEFINE_bool,
      int: flags.DEFINE_integer,
      float: flags.DEFINE_float,
      str: flags.DEFINE_string,
    }[type(default)]
    # A method's own default is shown, but left open, so that a budget can set it.
    define(prefix + name, None if prefix else default, _text(texts[name], default, prefix))


def _text(text: str, default: Any, prefix: str) -> str:
  return f"{text} [{default}]" if prefix else text


def main(args: Sequence[str]) -> None:
  if len(args) > 1:
    raise app.UsageError(f"only flags are taken, not {args[1]!r}")
  logging.set_verbosity(logging.WARNING)
  given = flags.FLAGS
  kind = option_types()[given.method]
  what: dict[str, Any] = {name: given[name].value for name in SearchSetting._fields}
  ways: dict[str, Any] = {name: given[name].value for name in (*HOW, "workdir", "on_nan")}
  own = {name: given[f"{given.method}_{name}"].value for name in kind._fields}
  how = How(**ways, say=lambda line: print(line, file=sys.stderr))
  try:
    options = sized(given.method, given.budget)._replace(
      **{name: value for name, value in own.items() if value is not None}
    )
    result = search(SearchSetting(**what), options, how=how)
  except (ValueError, OSError, ImportError, FloatingPointError) as error:
    raise SystemExit(f"search: {error}") from None
  if result is None:
    raise SystemExit(1)
  print(search_lines(result))


if __name__ == "__main__":
  define_flags()
  app.run(main)
