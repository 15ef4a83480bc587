"""How it was done: cost, data, plan, settings, and how to do it again."""

from autoaug_jax.report.findings import Data, Findings, Plan
from autoaug_jax.report.html import Content, Html, element, named
from autoaug_jax.report.numerals import count, decimal, duration, known, said
from autoaug_jax.report.parts import facts, folded, grid, paragraph


def cost(findings: Findings) -> list[Html]:
  """Seconds and network-steps of every stage, and their sums."""
  if not findings.cost:
    return []
  rows: list[tuple[Content, ...]] = [
    (named(c.stage), duration(c.seconds), count(c.steps)) for c in findings.cost
  ]
  seconds = sum(c.seconds for c in findings.cost if known(c.seconds))
  steps = [c.steps for c in findings.cost if known(c.steps)]
  rows.append(("in all", duration(seconds), count(sum(steps) if steps else None)))
  head = ("stage", "time", "network-steps")
  return [
    paragraph("A network-step is one step of one network on one batch."),
    grid(head, rows, numbers=(1, 2), label="Cost by stage", sums=True),
  ]


def data_and_plan(findings: Findings) -> list[Html]:
  """What there was, and what was chosen for it."""
  shown: list[Html] = []
  if findings.data is not None:
    shown += [element("h3", "Data"), *_data(findings.data)]
  if findings.plan is not None:
    shown += [element("h3", "Plan"), *_plan(findings.plan)]
  return shown


def settings(findings: Findings) -> list[Html]:
  """Every setting, folded by group."""
  return [
    folded(group.name, facts((name, said(value)) for name, value in group.values))
    for group in findings.settings
  ]


def commands(findings: Findings) -> list[Html]:
  """What to type."""
  shown: list[Html] = []
  for what, command in findings.commands:
    shown += [paragraph(what), element("pre", element("code", command), tabindex=0)]
  return shown


def _data(data: Data) -> list[Html]:
  names = {1: "grey", 3: "colour"}
  kind = names.get(data.channels, f"{data.channels} channels")
  rows: list[tuple[str, Content]] = [(f"{part} images", count(n)) for part, n in data.images]
  rows += [("size", f"{data.height} × {data.width} pixels, {kind}")]
  rows += [("classes", count(len(data.classes)))]
  if known(data.imbalance):
    rows += [("most frequent / rarest class", decimal(data.imbalance, places=1))]
  shown = [facts(rows), *(paragraph(remark) for remark in data.remarks)]
  if data.classes:
    listed = [(named(name), count(number)) for name, number in data.classes]
    head = ("class", "images")
    table = grid(head, listed, numbers=(1,), label="Training images of each class")
    shown.append(folded("Training images of each class", table))
  if data.left_out:
    listed = [(named(file), why) for file, why in data.left_out]
    table = grid(("file", "why"), listed, label="Files left out")
    shown.append(folded(f"Files left out: {count(len(listed))}", table))
  return shown


def _plan(plan: Plan) -> list[Html]:
  rows: list[tuple[str, Content]] = [
    ("method", plan.method),
    ("network", plan.network),
    ("images as trained", f"{plan.size} × {plan.size} pixels, {plan.batch} a batch"),
    ("epochs of a retraining", f"{plan.epochs:g}"),
    ("seeds", said(plan.seeds)),
    ("budget", duration(plan.budget)),
    ("time used", duration(plan.used)),
  ]
  return [paragraph(plan.why), facts(rows)] if plan.why else [facts(rows)]
