"""Two servers, or one server asked in two ways, in the same rounds: one divided by the other."""

import statistics
from typing import Callable, Optional, Sequence

from .load import Load
from .outage import Line

ANSWERS: Callable[[Load], float] = lambda load: load.answers_per_second
CPU: Callable[[Load], float] = lambda load: load.cpu_us_per_answer


def errors_of(load: Load) -> int:
    """Answers that are errors, and answers that never came."""
    return load.status_errors + load.socket_errors


def ratio_line(what: str, ours: Sequence[Load], theirs: Sequence[Load], figure: Callable[[Load], float], ceiling: Optional[float]) -> Line:
    """The median of the ratios of the rounds, with their range; an answer that is an error takes its round out."""
    pairs = [(our, their) for our, their in zip(ours, theirs) if not errors_of(our) and not errors_of(their)]
    target = f"<= {ceiling:g}x" if ceiling else ""
    if not pairs:
        return Line(what, "no round without errors", target, False if ceiling else None)
    ratios = [figure(our) / figure(their) for our, their in pairs]
    middle = statistics.median(ratios)
    text = f"{middle:.2f}x ({min(ratios):.2f}–{max(ratios):.2f})" + (f", {len(pairs)} rounds" if len(pairs) < len(ours) else "")
    return Line(what, text, target, middle <= ceiling if ceiling else None)
