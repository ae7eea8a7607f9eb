"""The tables of moves as a reader sees them: a Mermaid diagram and a Markdown table each, for ``docs/jobs.md``."""

from __future__ import annotations

from collections.abc import Mapping

from talking_head.jobs.state_machine import CLIP_TRANSITIONS, JOB_TRANSITIONS, Transition
from talking_head.models import ClipState, JobState

BEGIN = "<!-- moves: written by `python manage.py document_states` -->\n"
END = "\n<!-- end of moves -->"
ENDED = "[*]"  # Mermaid's name for the beginning and the end


def states_documented() -> str:
    """What stands between the two marks of ``docs/jobs.md``."""
    return "\n\n".join(
        [
            _diagram(JOB_TRANSITIONS, initial=JobState.QUEUED),
            _table("job", JOB_TRANSITIONS),
            _diagram(CLIP_TRANSITIONS, initial=ClipState.WAITING),
            _table("clip", CLIP_TRANSITIONS),
        ]
    )


def with_states_documented(document: str) -> str:
    """``document`` with what stands between the marks written anew.

    Raises:
        ValueError: the marks are not there.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"The document lacks {BEGIN.strip()} … {END.strip()}.")
    return f"{before}{begin}{states_documented()}{end}{after}"


def _diagram(moves: Mapping[str, Transition], *, initial: str) -> str:
    arrows = [(source, move.target, verb) for verb, move in moves.items() for source in move.sources]
    lines = [f"    {ENDED} --> {initial}"]
    for source, target in dict.fromkeys((source, target) for source, target, _ in arrows):
        verbs = ", ".join(verb for here, there, verb in arrows if (here, there) == (source, target))
        lines.append(f"    {source} --> {target}: {verbs}")
    left = {source for source, _, _ in arrows}
    lines.extend(
        f"    {state} --> {ENDED}" for state in dict.fromkeys(target for _, target, _ in arrows) if state not in left
    )
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def _table(title: str, moves: Mapping[str, Transition]) -> str:
    rows = [
        f"| {move.verb} | {', '.join(f'`{source}`' for source in move.sources)} | `{move.target}` | {move.when} |"
        for move in moves.values()
    ]
    return "\n".join([f"| {title} | from | to | when |", "|---|---|---|---|", *rows])
