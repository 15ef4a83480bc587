"""What sections are made of."""

from collections.abc import Collection, Iterable, Sequence

from autoaug_jax.report.html import Content, Html, element


def paragraph(text: str, *, class_: str | None = None) -> Html:
  """A paragraph of plain text."""
  return element("p", text, class_=class_)


def note(title: str, *content: Content) -> Html:
  """A remark that must not be missed."""
  return element("aside", element("p", title, class_="title"), *content, class_="note")


def folded(summary: str, *content: Content) -> Html:
  """What only some readers open."""
  return element("details", element("summary", summary), *content)


def facts(rows: Iterable[tuple[str, Content]]) -> Html:
  """Names and what they are."""
  pairs = [element("div", element("dt", name), element("dd", value)) for name, value in rows]
  return element("dl", *pairs, class_="facts")


def grid(
  head: Sequence[str],
  rows: Iterable[Sequence[Content]],
  *,
  label: str,
  numbers: Collection[int] = (),
  sums: bool = False,
) -> Html:
  """A table that goes sideways in its own box.

  The columns in `numbers` are numbers; with `sums` the last row adds up the others.
  """

  def kind(column: int) -> str | None:
    return "number" if column in numbers else None

  top = [element("th", h, scope="col", class_=kind(i)) for i, h in enumerate(head)]
  body = [
    element(
      "tr",
      element("th", row[0], scope="row", class_=kind(0)),
      *(element("td", cell, class_=kind(i)) for i, cell in enumerate(row[1:], 1)),
    )
    for row in rows
  ]
  whole = element(
    "table",
    element("thead", element("tr", *top)),
    element("tbody", *body),
    class_="sums" if sums else None,
    aria_label=label,
  )
  return element("div", whole, class_="scroll", tabindex=0, role="group", aria_label=label)
