import pytest

from autoaug_jax import report
from tests.report import findings_cases
from tests.report.looks import assert_readable, texts


def test_both_columns_and_the_classes():
  figures = report.figures(findings_cases.whole())
  assert set(figures) == {"accuracy", "classes"}
  panels = figures["accuracy"].axes
  assert [ax.get_title(loc="left") for ax in panels] == [report.EQUAL_STEPS, report.EQUAL_COST]
  assert [len(ax.containers) for ax in panels] == [5, 5]
  said = {text for text, _ in texts(figures["classes"])}
  assert "learned less trivial-augment-wide, points of accuracy" in said
  for figure in figures.values():
    assert_readable(figure)


@pytest.mark.parametrize("case", ["least", "trouble"])
def test_little_or_strange_findings_can_be_saved(case, tmp_path):
  for name, figure in report.figures(getattr(findings_cases, case)()).items():
    report.save(figure, tmp_path / f"{name}.png")
  assert (tmp_path / "accuracy.png").exists()


def test_without_results_there_is_nothing():
  assert not report.figures(report.Findings("digits", "Nothing was found.", ()))
