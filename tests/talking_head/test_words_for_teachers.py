"""What teachers read of an error, a notice or a reason: no engine, package, command, signal or path."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.conf import settings

from talking_head.errors import notice_for_teachers, words_for_teachers

ONLY_FOR_ADMINISTRATORS = (
    "pip ", "python", "manage.py", "torch", "sadtalker", "gfpgan", "coqui", "XTTS", "espeak", "signal 9", "weights",
    "checkpoint", "requirements", "_", "/usr", "ValueError", "Errno", "renderer",
)  # fmt: skip


def errors_in_the_source() -> list[tuple[str, str, str]]:
    """Return (code, message, hint) of every error that the renderer raises, with ``x`` in place of computed parts."""
    found = set()
    for path in Path(settings.BASE_DIR, "talking_head").rglob("*.py"):
        if "management" in path.parts or path.parent.name in ("checkpoints", "diagnostics"):
            continue  # the commands and pages of administrators
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and _name(node.func).endswith(("Error", "Input")):
                given = {keyword.arg: _text(keyword.value) for keyword in node.keywords}
                if "code" in given:
                    found.add((given["code"], _text(node.args[0]), given.get("hint", "")))
    return sorted(found)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(map(_text, node.values)) if isinstance(node, ast.JoinedStr) else "x"


def test_no_error_of_the_renderer_reaches_teachers_with_technical_words() -> None:
    errors = errors_in_the_source()
    assert len(errors) > 50
    for error in errors:
        words = " ".join(words_for_teachers(*error))
        assert words.strip(), error
        assert not [word for word in ONLY_FOR_ADMINISTRATORS if word in words], error


@pytest.mark.parametrize(
    "message",
    [
        "The renderer was killed by signal 9.",
        "ValueError: x must not be empty.",
        "The file /usr/share/x is gone.",
        "torch is not installed.",
    ],
)
def test_an_unknown_error_with_technical_words_becomes_a_plain_one(message: str) -> None:
    words = words_for_teachers("new_kind_of_error", message, "Run pip install x.")
    assert words == ("Something went wrong on the server.", "Try again. If it happens again, tell an administrator.")


def test_plain_errors_stay_as_they_are_and_fallbacks_keep_their_count() -> None:
    plain = ("The text contains nothing to read aloud.", "Write a sentence.")
    assert words_for_teachers("nothing_speakable", *plain) == plain
    message, _hint = words_for_teachers(
        "renderer_crashed",
        "The renderer was killed by signal 9. Therefore one sentence is shown as a still picture.",
        "",
    )
    assert message == (
        "The program that makes the videos stopped unexpectedly. Therefore one sentence is shown as a still picture."
    )


@pytest.mark.parametrize(
    ("notice", "words"),
    [
        ("The picture was not enhanced: gfpgan is not installed.", "The picture was not enhanced."),
        ("The quality engine cannot be used here: torch is not installed.", "The quality engine cannot be used here."),
        ("Not quality: it needs a GPU or 4 processor cores.", "Not quality: it needs a GPU or 4 processor cores."),
        ("gfpgan is not installed.", ""),
        ("", ""),
    ],
)
def test_a_notice_loses_its_technical_explanation_only(notice: str, words: str) -> None:
    assert notice_for_teachers(notice) == words
