"""The transition tables as documentation: a Mermaid diagram and a Markdown table each, for ``docs/jobs.md``."""

from __future__ import annotations

from collections.abc import Mapping

from talking_head.jobs.state_machine import CLIP_TRANSITIONS, JOB_TRANSITIONS, Transition
from talking_head.models import ClipState, JobState

BEGIN = "<!-- transitions: written by `python manage.py document_states` -->\n"
END = "\n<!-- end of transitions -->"
ENDED = "[*]"  # Mermaid's name for the beginning and the end


def state_tables() -> str:
    """Return the Markdown between the two markers of ``docs/jobs.md``."""
    return "\n\n".join(
        [
            _diagram(JOB_TRANSITIONS, initial=JobState.QUEUED),
            _table("job", JOB_TRANSITIONS),
            _diagram(CLIP_TRANSITIONS, initial=ClipState.WAITING),
            _table("clip", CLIP_TRANSITIONS),
        ]
    )


def with_state_tables(document: str) -> str:
    """Return ``document`` with the text between the markers regenerated.

    Raises:
        ValueError: the markers are missing.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"The document lacks {BEGIN.strip()} … {END.strip()}.")
    return f"{before}{begin}{state_tables()}{end}{after}"


def _diagram(transitions: Mapping[str, Transition], *, initial: str) -> str:
    arrows = [
        (source, transition.target, verb) for verb, transition in transitions.items() for source in transition.sources
    ]
    lines = [f"    {ENDED} --> {initial}"]
    for source, target in dict.fromkeys((source, target) for source, target, _ in arrows):
        verbs = ", ".join(verb for start, end, verb in arrows if (start, end) == (source, target))
        lines.append(f"    {source} --> {target}: {verbs}")
    left_states = {source for source, _, _ in arrows}
    lines.extend(
        f"    {state} --> {ENDED}"
        for state in dict.fromkeys(target for _, target, _ in arrows)
        if state not in left_states
    )
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def _table(title: str, transitions: Mapping[str, Transition]) -> str:
    rows = [
        f"| {row.verb} | {', '.join(f'`{source}`' for source in row.sources)} | `{row.target}` | {row.when} |"
        for row in transitions.values()
    ]
    return "\n".join([f"| {title} | from | to | when |", "|---|---|---|---|", *rows])
