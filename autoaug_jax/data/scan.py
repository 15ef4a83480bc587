"""Finding what is wrong with a set of images before anything is trained on it."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

LISTED = 20


class Finding(NamedTuple):
  """Something that cannot be used."""

  where: str  # a file's path below its root, or a class
  problem: str
  stops: bool = True  # hidden files are left out and listed, but stop nothing

  def __str__(self) -> str:
    return f"{self.where}: {self.problem}"


def settle(name: str, findings: Sequence[Finding], skip: bool) -> tuple[Finding, ...]:
  """All findings where they are to be skipped; else a ValueError that lists the first 20."""
  stopping = [finding for finding in findings if finding.stops]
  if stopping and not skip:
    lines = [f"  {finding}" for finding in stopping[:LISTED]]
    if len(stopping) > LISTED:
      lines.append(f"  and {len(stopping) - LISTED} more")
    things = "1 thing" if len(stopping) == 1 else f"{len(stopping)} things"
    raise ValueError(
      f"{name} has {things} that cannot be used (--skip_bad_files leaves them out and goes on):\n"
      + "\n".join(lines)
    )
  return tuple(findings)


def reason(error: Exception) -> str:
  """The first line of what an error says, or the error's name."""
  lines = str(error).strip().splitlines()
  return lines[0] if lines else type(error).__name__


def _same_name(name: str) -> str:
  """What two class names share when they differ in case, spaces or Unicode form only."""
  return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def scan_classes(
  classes: Sequence[str], counts: Mapping[str, int], *, others: Mapping[str, int] | None = None
) -> tuple[list[Finding], set[str]]:
  """Findings about classes, and the classes that they rule out.

  `counts` are training images a class, `others` the images of its other parts. Of two classes of
  one name the one with fewer training images is ruled out, and so is a class with fewer than two.
  """
  findings = []
  out: set[str] = set()
  groups: dict[str, list[str]] = {}
  for name in classes:
    groups.setdefault(_same_name(name), []).append(name)
  for group in groups.values():
    kept, *rest = sorted(group, key=lambda name: (-counts.get(name, 0), name))
    for name in rest:
      findings.append(Finding(f"class {name!r}", f"has the same name as class {kept!r}"))
      out.add(name)
  for name in classes:
    count = counts.get(name, 0)
    if count >= 2 or name in out:
      continue
    number = "no training images" if count == 0 else "1 training image"
    elsewhere = (others or {}).get(name, 0)
    more = f" and {elsewhere} in other parts" if elsewhere else ""
    findings.append(Finding(f"class {name!r}", f"has {number}{more}; at least 2 are needed"))
    out.add(name)
  return findings, out
