import pytest

from autoaug_jax.report.html import Html, element, joined, named
from tests.report.pages import nodes

NASTY = [
  "<b>",
  "a & b &amp; c",
  "\"double\" 'single'",
  "</script><script>",
  "-->",
  "]]>",
  "שלום 猫",
]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_a_parser_reads_back_what_was_written(text):
  (node,) = nodes(element("p", text, title=text, aria_label=text).text)
  assert "".join(node.pieces) == text
  assert node.attributes == {"title": text, "aria-label": text}


def test_what_html_has_no_place_for_is_replaced():
  made = joined(["a\x00b\ud800c\x1b\ufffe", "\td\n\udcff"]).text
  assert made == "a\ufffdb\ufffdc\ufffd\ufffd\td\n\ufffd"
  made.encode()


def test_markup_is_kept_and_attributes_are_optional():
  made = element("a", "1 < 2", Html("<br>"), class_="x", hidden=True, id=None, open=False, href=3)
  assert made == Html('<a class="x" hidden href="3">1 &lt; 2<br></a>')
  assert element("img", alt="") == Html('<img alt="">')
  assert element("meta", name="viewport").text == '<meta name="viewport">'
  assert joined(["<", Html("<i></i>")]) == Html("&lt;<i></i>")
  assert named("<", class_="n") == Html('<bdi class="n">&lt;</bdi>')
