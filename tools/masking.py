"""Measures what the privacy guard finds in labelled comments: ``python -m tools.masking [FILE …]``.

Recall is the share of the marked personal data that is gone; precision is the share of the markers that stand where
data of their kind stood. The tests require the least figures below for every kind.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from feedback_service.surveys.privacy import MARKERS, mask_personal_data

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "tests" / "surveys" / "masking").glob("*.txt"))
LEAST_RECALL, LEAST_PRECISION = 0.95, 0.97
HARMLESS = "harmless"
MARKER = re.compile("|".join(re.escape(marker) for marker in sorted(set(MARKERS.values()))))


@dataclass(frozen=True, slots=True)
class Example:
    """A comment whose personal data, of one kind, stands between ``before`` and ``after``; a harmless one has none."""

    kind: str
    before: str
    secret: str
    after: str

    @property
    def text(self) -> str:
        """Return the comment."""
        return self.before + self.secret + self.after


@dataclass(frozen=True, slots=True)
class Figures:
    """How many examples of a kind there are, how many were caught, and how many of its markers are right."""

    examples: int
    caught: int
    markers: int
    right_markers: int

    @property
    def recall(self) -> float:
        """Return the share of examples that were caught; 1 where there are none."""
        return self.caught / self.examples if self.examples else 1.0

    @property
    def precision(self) -> float:
        """Return the share of markers that are right; 1 where there are none."""
        return self.right_markers / self.markers if self.markers else 1.0


def read_examples(path: Path) -> list[Example]:
    """Read a file with one example a line: kind, tab, comment with ‹ and › around the personal data."""
    examples = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, comment = line.split("\t")
            comment = re.sub(r"\\n|\\u[0-9a-f]{4}", lambda escape: escape[0].encode().decode("unicode_escape"), comment)
            before, _, rest = comment.partition("‹")
            secret, _, after = rest.partition("›")
            if kind not in {*MARKERS, HARMLESS} or (kind == HARMLESS) == bool(secret):
                raise ValueError(f"{path.name}: {line}")
            examples.append(Example(kind, before, secret, after))
    return examples


def is_caught(example: Example) -> bool:
    """Whether markers took the place of the personal data, and of nothing else."""
    around = re.escape(example.before), re.escape(example.after)
    markers = rf"[^\w\[\]]*(?:(?:{MARKER.pattern})[^\w\[\]]*)+"
    return bool(re.fullmatch(f"{around[0]}{markers}{around[1]}", mask_personal_data(example.text).text))


def find_wrong_results(examples: Iterable[Example]) -> list[tuple[Example, str]]:
    """Return the examples without their one right marker, with the text that came out."""
    wrong = []
    for example in examples:
        masked = mask_personal_data(example.text).text
        marker = MARKERS.get(example.kind)
        if MARKER.findall(masked) != ([marker] if marker else []) or (marker and not is_caught(example)):
            wrong.append((example, masked))
    return wrong


def measure_masking(examples: Iterable[Example]) -> dict[str, Figures]:
    """Return the figures of each kind that has examples. Kinds with the same marker share its precision."""
    number_of, caught, markers, right = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for example in examples:
        number_of[example.kind] += 1
        is_right = example.kind != HARMLESS and is_caught(example)
        caught[example.kind] += is_right
        for marker in MARKER.findall(mask_personal_data(example.text).text):
            markers[marker] += 1
            right[marker] += is_right and marker == MARKERS[example.kind]
    return {
        kind: Figures(number_of[kind], caught[kind], markers[MARKERS[kind]], right[MARKERS[kind]])
        for kind in MARKERS
        if number_of[kind]
    }


def main() -> None:
    """Print the figures of each kind; with ``--wrong`` also what came out wrong."""
    parser = argparse.ArgumentParser(description="Measure the privacy guard on labelled comments.")
    parser.add_argument("files", nargs="*", type=Path, default=EXAMPLES)
    parser.add_argument("--wrong", action="store_true", help="print each example that came out wrong")
    options = parser.parse_args()
    examples = [example for path in options.files for example in read_examples(path)]
    print(f"{'kind':12} examples  recall  precision")
    for kind, figures in measure_masking(examples).items():
        print(f"{kind:12} {figures.examples:8}  {figures.recall:6.3f}  {figures.precision:9.3f}")
    wrong = find_wrong_results(examples)
    harmless = [example for example in examples if example.kind == HARMLESS]
    altered = sum(example.kind == HARMLESS for example, _ in wrong)
    print(f"harmless     {len(harmless):8}  {altered} altered")
    if options.wrong:
        for example, masked in wrong:
            print(f"{example.kind}: {example.text!r} -> {masked!r}")


if __name__ == "__main__":
    main()
