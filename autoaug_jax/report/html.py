"""Markup from plain text: what is not `Html` already is escaped, always."""

import html
import re
from collections.abc import Iterable
from typing import NamedTuple

VOID = ("meta", "link", "img", "br", "hr", "col")
# What HTML has no place for: controls, and halves of characters (from file names in no encoding).
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Html(NamedTuple):
  """Text that is markup."""

  text: str


Content = str | Html
Attribute = str | float | bool | None


def _escape(text: str) -> str:
  """Plain text as markup, also within quoted attributes."""
  return html.escape(UNFIT.sub("\ufffd", text))


def element(name: str, /, *content: Content, **attributes: Attribute) -> Html:
  """An element; `class_` is the attribute class, `aria_label` is aria-label.

  Attributes that are None or False are left out, those that are True have no value.
  """
  written = "".join(_attribute(key, value) for key, value in attributes.items())
  if name in VOID:
    return Html(f"<{name}{written}>")
  return Html(f"<{name}{written}>{joined(content).text}</{name}>")


def joined(content: Iterable[Content]) -> Html:
  """One after the other."""
  return Html("".join(c.text if isinstance(c, Html) else _escape(c) for c in content))


def named(name: str, *, class_: str | None = None) -> Html:
  """A name that users gave, which may run from right to left."""
  return element("bdi", name, class_=class_)


def _attribute(key: str, value: Attribute) -> str:
  if value is None or value is False:
    return ""
  name = key.rstrip("_").replace("_", "-")
  return f" {name}" if value is True else f' {name}="{_escape(str(value))}"'
