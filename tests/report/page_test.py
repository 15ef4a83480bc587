import itertools
import math
import re

import pytest

from autoaug_jax import report
from tests.report import findings_cases
from tests.report.pages import find, nodes

CASES = ["whole", "least", "trouble"]
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
SECTIONS = [
  "Accuracy",
  "Learned against each baseline",
  "Class by class",
  "The policy",
  "What it does to images",
  "How the search went",
  "Labels worth a second look",
  "What it cost",
  "Data and plan",
  "Every setting and seed",
  "Run it again, use the policy",
]


@pytest.fixture
def whole():
  return findings_cases.page("whole")


def texts(text, name, **attributes):
  return [node.text for node in find(text, name, **attributes)]


@pytest.mark.parametrize("case", CASES)
def test_a_page_is_well_formed_and_complete(case):
  text = findings_cases.page(case)
  text.encode()
  assert text.startswith("<!DOCTYPE html>\n<html lang=")
  found = nodes(text)  # every element ends where it must
  names = [node.name for node in found]
  for once in ("html", "head", "title", "style", "body", "h1", "main", "header"):
    assert names.count(once) == 1, once
  # Headings go down by one level at most.
  levels = [HEADINGS.index(name) + 1 for name in names if name in HEADINGS]
  assert levels[0] == 1
  assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
  # Links and labels lead somewhere, and to one place only.
  own = [node.attributes["id"] for node in found if "id" in node.attributes]
  assert len(set(own)) == len(own)
  for node in found:
    for key in ("href", "aria-labelledby"):
      if node.attributes.get(key, "").startswith("#") or key == "aria-labelledby":
        assert node.attributes.get(key, own[0]).lstrip("#") in own
  for node in found:
    if node.name in ("th", "img"):
      assert node.attributes.get({"th": "scope", "img": "alt"}[node.name]), node
    assert not any(key.startswith("on") for key in node.attributes)


@pytest.mark.parametrize("case", CASES)
def test_a_page_asks_for_nothing_from_elsewhere(case):
  text = findings_cases.page(case)
  for node in nodes(text):
    assert node.name not in (
      "script",
      "iframe",
      "object",
      "embed",
      "video",
      "audio",
      "base",
      "form",
    )
    for key in ("src", "href", "srcset", "data", "poster", "action"):
      assert node.attributes.get(key, "#").startswith(("#", "data:")), node.attributes
  (style,) = find(text, "style")
  assert not re.search(r"url\(|@import|https?:", style.text)
  (policy,) = find(text, "meta", **{"http-equiv": "Content-Security-Policy"})
  assert policy.attributes["content"].startswith("default-src 'none'")


def test_sections_in_order_and_in_the_contents(whole):
  assert texts(whole, "h2") == SECTIONS
  links = [node.attributes["href"][1:] for node in find(whole, "a") if "nav" in node.path]
  assert links == [node.attributes["id"] for node in find(whole, "section")]
  assert texts(whole, "h1") == ["flower_photos"]
  assert texts(whole, "p", class_="verdict") == [findings_cases.whole().verdict]


def test_what_is_not_there_is_left_out():
  least = findings_cases.page("least")
  assert texts(least, "h2") == ["Accuracy"]
  assert not find(least, "img")
  assert not find(least, "nav")
  assert not find(least, "line", class_="whisker")
  assert "A single seed has no interval." in least
  nothing = report.page(report.Findings("digits", "Nothing was found.", ()), {})
  assert not texts(nothing, "h2")


def test_accuracies_stand_in_both_columns(whole):
  tables = find(whole, "table", class_="strips")
  labels = [table.attributes["aria-label"] for table in tables]
  assert labels == [
    "Accuracy, equal steps",
    "Accuracy, equal total cost, search included",
    "learned less each baseline, equal steps",
    "learned less each baseline, equal total cost, search included",
    "Change of each class",
  ]
  for policy, both in findings_cases.ACCURACIES.items():
    for table, found in zip(tables, both, strict=False):
      mean, half = findings_cases.interval(found)
      assert f"{policy}{mean:.2f} ± {half:.2f}" in table.text
  # Per seed, in numbers.
  (numbers,) = find(whole, "table", **{"aria-label": "Accuracies seed by seed"})
  assert "82.00, 83.10, 81.90" in numbers.text
  assert "8,112" in numbers.text
  assert "seed 3: the budget would have been exceeded" in texts(whole, "aside")[0]


def test_the_numbers_below_the_verdict_are_those_at_equal_total_cost(whole):
  assert texts(whole, "dl", class_="figures") == [
    "learned91.37 ± 1.12 %trivial-augment-wide89.93 ± 0.87 %"
    "difference+1.43 ± 1.03 pointstime used18 min 46 s of 20 min"
  ]


@pytest.mark.parametrize(
  ("mean", "half_width", "said"),
  [
    (1.0, 0.5, "learned is better"),
    (-1.0, 0.5, "learned is worse"),
    (1.0, 1.0, "no difference found"),
    (-0.2, 1.0, "no difference found"),
    (1.0, math.nan, "one seed: no interval"),
    (math.nan, math.nan, "not known"),
  ],
)
def test_what_an_interval_says(mean, half_width, said):
  difference = report.Difference("learned", "none", report.EQUAL_STEPS, mean, half_width)
  text = report.page(report.Findings("a", "b.", (), differences=(difference,)), {})
  (row,) = [row for row in find(text, "tr") if "tbody" in row.path]
  assert row.text.endswith(said)
  strong = {"learned is better", "learned is worse"}
  assert ("strong" in row.attributes.get("class", "")) == (said in strong)


def test_two_learned_policies_have_a_chart_each():
  gains = [
    report.Difference(policy, "none", report.EQUAL_STEPS, 1.0, 0.5)
    for policy in ("learned jointly", "learned, retrained")
  ]
  text = report.page(report.Findings("a", "b.", (), differences=tuple(gains)), {})
  heads = [node.text for node in find(text, "th", scope="col") if "less" in node.text]
  assert heads == ["learned jointly less …", "learned, retrained less …"]
  assert len(find(text, "h3")) == 1


def test_of_many_classes_the_middle_is_summed_up():
  text = findings_cases.page("trouble")
  tables = {t.attributes["aria-label"]: t for t in find(text, "table")}
  changes = findings_cases.trouble().classes.changes
  known = sorted((c.change for c in changes if math.isfinite(c.change)), reverse=True)
  assert tables["Largest changes"].text.count("c") >= 12
  (between,) = texts(text, "p", class_="between")
  assert between.startswith(f"… {len(known) - 30} more classes, from −")
  assert between.endswith(f"to +{known[15]:.2f} points …")
  assert "Nothing to compare for 2 of the classes" in text
  numbers = tables["All classes"].text
  assert all(f"c{i}" in numbers for i in range(145))


def test_names_are_text_and_nothing_else():
  text = findings_cases.page("trouble")
  assert not find(text, "b")
  hostile = findings_cases.HOSTILE
  for name in ("h1", "p", "h3", "th", "td", "dt", "dd", "code", "summary", "li", "title", "footer"):
    assert any(hostile in node.text for node in find(text, name)), name
  assert any("שלום" in node.text for node in find(text, "bdi"))


def test_pictures_stand_in_their_sections_with_their_captions(whole):
  found = [node.attributes["id"] for node in find(whole, "figure")]
  names = ["policy", "likely", "probabilities", "entropy", "suspects"]
  assert found == [f"picture-{name}" for name in names]
  assert len(find(whole, "figcaption")) == len(names)
  assert all(len(node.attributes["alt"]) > 20 for node in find(whole, "img"))


def test_unknown_pictures_are_shown_and_the_pages_own_charts_are_not_doubled():
  figures = report.figures(findings_cases.least())
  text = report.page(findings_cases.least(), figures | {"of_my_own": figures["accuracy"]})
  assert [node.attributes["alt"] for node in find(text, "img")] == ["of my own"]


def test_what_only_autodo_draws_stands_where_it_belongs():
  """In the sections of the classes and of doubted labels, not below the policy."""
  one = report.figures(findings_cases.least())["accuracy"]
  names = {"confusion": "Classes", "embedding": "Classes", "lightest": "Labels", "found": "Labels"}
  text = report.page(findings_cases.least(), dict.fromkeys(names, one))
  for name, section in names.items():
    above = text[: text.index(f'id="picture-{name}"')]
    assert re.findall(r'<section[^>]* id="([^"]+)"', above)[-1] == section.lower()
  assert all(len(caption) > 40 for caption in texts(text, "figcaption"))


def test_cost_adds_up(whole):
  (table,) = find(whole, "table", **{"aria-label": "Cost by stage"})
  assert table.text.endswith("in all18 min 46 s121,680")


def test_suspects_beyond_the_first_are_folded(whole):
  tables = find(whole, "table", **{"aria-label": "Doubted labels"})
  assert [t.text.count("IMG_") for t in tables] == [12, 4]
  assert ["details" in t.path for t in tables] == [False, True]


def test_the_same_findings_are_the_same_page():
  assert report.page(findings_cases.trouble(), {}) == findings_cases.page("trouble")
