"""Optional libraries: the extra that brings one is named where it is missing."""

import sys

import pytest

from autoaug_jax.data import load
from autoaug_jax.data.extras import cores, need


def test_what_is_installed_is_returned():
  assert need("PIL.Image", "reading image files").__name__ == "PIL.Image"
  assert cores() >= 1


def test_pillow_is_named_where_it_is_missing(tmp_path, write, monkeypatch):
  root = write(tmp_path / "pets", ["cat/a.png", "cat/b.png", "dog/a.png", "dog/b.png"])
  monkeypatch.setitem(sys.modules, "PIL.Image", None)
  sentence = r"^reading image files needs Pillow, .* pip install 'autoaug_jax\[images\]'$"
  for options in ({}, {"size": 8}, {"memory_budget": 0}):
    with pytest.raises(ImportError, match=sentence):
      load(root, **options)
