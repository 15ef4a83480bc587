"""A page, read by the standard library's parser."""

import html.parser
from typing import NamedTuple

VOID = {"meta", "link", "img", "br", "hr", "col"}


class Node(NamedTuple):
  name: str
  attributes: dict
  path: tuple  # names of the elements around it
  pieces: list  # all text within, in order

  @property
  def text(self):
    return " ".join("".join(self.pieces).split())


class _Reader(html.parser.HTMLParser):
  """Every element of a well-formed page; an AssertionError where end tags do not match."""

  def __init__(self):
    super().__init__(convert_charrefs=True)
    self.nodes, self.open = [], []

  def handle_starttag(self, tag, attrs):
    node = Node(tag, dict(attrs), tuple(n.name for n in self.open), [])
    assert len(node.attributes) == len(attrs), f"an attribute comes twice in <{tag}>"
    self.nodes.append(node)
    if tag not in VOID:
      self.open.append(node)

  def handle_endtag(self, tag):
    assert self.open, f"</{tag}> ends nothing"
    assert tag == self.open[-1].name, f"</{tag}> where </{self.open[-1].name}> is due"
    self.open.pop()

  def handle_data(self, data):
    for node in self.open:
      node.pieces.append(data)


def nodes(text):
  """The elements of a page, in its order."""
  reader = _Reader()
  reader.feed(text)
  reader.close()
  assert not reader.open, f"<{reader.open[-1].name}> never ends"
  return reader.nodes


def find(text, name, **attributes):
  """Those called `name`, or any for "*", with all of these attributes; `class_` holds a word."""
  word = attributes.pop("class_", None)
  return [
    node
    for node in nodes(text)
    if name in ("*", node.name)
    and attributes.items() <= node.attributes.items()
    and (word is None or word in node.attributes.get("class", "").split())
  ]
