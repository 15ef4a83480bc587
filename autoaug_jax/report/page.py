"""A job's findings as one HTML file that needs nothing else: no script, no font, no network."""

import pathlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from autoaug_jax.report import page_classes, page_policy, page_results, page_run
from autoaug_jax.report.findings import Findings
from autoaug_jax.report.html import Html, element, joined

if TYPE_CHECKING:
  from matplotlib.figure import Figure

# A reader's browser refuses whatever would come from elsewhere.
NO_NETWORK = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(findings: Findings, pictures: "Mapping[str, Figure | bytes]") -> str:
  """The page, complete.

  `pictures` are figures or the bytes of PNG files, by the names that `save_pictures` gives them:
  policy, likely, unlikely, probabilities, bounds, entropy, selections, magnitudes, spread, through
  time, confusion, embedding, suspects, lightest, found; others stand below the policy under their
  own name. What is not there is left out.
  Comparisons are drawn by the page itself; `figures` has them as pictures for files.
  """
  sections = dict(_sections(findings, pictures))
  body = element(
    "body",
    element("a", "To the results", href="#main", class_="skip"),
    page_results.opening(findings),
    element(
      "div",
      _contents([*sections]),
      element("main", *sections.values(), id="main"),
      class_="columns",
    ),
    element("footer", element("p", findings.made)) if findings.made else Html(""),
  )
  return "<!DOCTYPE html>\n" + element("html", _head(findings.title), body, lang="en").text + "\n"


def _head(title: str) -> Html:
  style = pathlib.Path(__file__).with_name("page.css").read_text()
  return element(
    "head",
    element("meta", charset="utf-8"),
    element("title", f"{title}: which augmentation?"),
    element("meta", name="viewport", content="width=device-width, initial-scale=1"),
    element("meta", name="color-scheme", content="light dark"),
    element("meta", http_equiv="Content-Security-Policy", content=NO_NETWORK),
    element("link", rel="icon", href="data:,"),
    element("style", Html(style)),
  )


def _sections(
  findings: Findings, pictures: "Mapping[str, Figure | bytes]"
) -> Iterator[tuple[str, Html]]:
  """(name in the contents, section) of those that have something to tell."""
  told = {
    ("Accuracy", "Accuracy"): page_results.accuracy(findings),
    ("Differences", "Learned against each baseline"): page_results.differences(findings),
    ("Classes", "Class by class"): [
      *page_classes.classes(findings),
      *page_policy.network(pictures),
    ],
    ("Policy", "The policy"): page_policy.policy(findings, pictures),
    ("Images", "What it does to images"): page_policy.examples(pictures),
    ("Search", "How the search went"): page_policy.evolution(pictures),
    ("Labels", "Labels worth a second look"): page_policy.suspects(findings, pictures),
    ("Cost", "What it cost"): page_run.cost(findings),
    ("Data and plan", "Data and plan"): page_run.data_and_plan(findings),
    ("Settings", "Every setting and seed"): page_run.settings(findings),
    ("Commands", "Run it again, use the policy"): page_run.commands(findings),
  }
  for (name, title), content in told.items():
    if content:
      own = _identifier(name)
      heading = element("h2", title, id=f"{own}-title")
      inside = joined([heading, *content])
      yield name, element("section", inside, id=own, aria_labelledby=f"{own}-title")


def _contents(names: list[str]) -> Html:
  if len(names) < 3:
    return element("div")
  links = [element("li", element("a", name, href=f"#{_identifier(name)}")) for name in names]
  return element("nav", element("ol", *links), aria_label="Contents")


def _identifier(name: str) -> str:
  return name.lower().replace(" ", "-")
