"""Reads the structure of the code: its rooms and layers, its words.

``python -m tests.architecture`` draws the rooms into docs/architecture.md;
tests/test_architecture.py holds the document, the counts and the words.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "architecture.md"
APPS = ("edu_platform", "lessons", "avatars", "talking_head")
BEGIN, END = "<!-- {}: written by `python -m tests.architecture` -->", "<!-- end of {} -->"
PROSE = (*APPS, "templates", "docs", "benchmarks", "deploy", "README.md", "CONTRIBUTING.md", "CHANGELOG.md")
PROSE_SUFFIXES = {".py", ".md", ".html", ".js", ".css", ".yml", ".conf", ".service"}
# Words that name no actor, and this project's own words of former days, for which the field has others.
DIALECT = re.compile(
    r"\b(somebody|nobody|whoever|whatever|whomever|doorbells?|reckon(?:s|ed|ing)?|stand-ins?|yardsticks?|doomed)\b",
    re.IGNORECASE,
)
ACTORLESS = re.compile(r"\b(somebody|nobody|whoever|whatever|whomever|someone|anyone)\b", re.IGNORECASE)
# How a docstring begins that says what something is instead of what the function does.
NO_VERB = set(
    """
    a an the this that these those what whether who whom whose how where why when which one it its as all no
    none each every everything nothing some any another of for from in on at to with without by about into like
    also only until and or but if not false true whatever whoever here there
    """.split()  # noqa: SIM905 - ninety quoted words would read worse
)


def product_files(*suffixes: str) -> Iterator[Path]:
    """Yield the files of the four apps with these endings, without migrations."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*")):
            if path.suffix in suffixes and "migrations" not in path.parts:
                yield path


def layers() -> list[str]:
    """Return the layers of talking_head from top to bottom, as the import contract has them."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (c for c in config["tool"]["importlinter"]["contracts"] if c.get("containers") == ["talking_head"])
    floors: list[str] = contract["layers"]
    return floors


def modules_of(floor: str) -> list[str]:
    """Return the names of the packages and modules in a layer."""
    return re.findall(r"\w+", floor)


def packages(app: str) -> list[str]:
    """Return the packages directly inside an app, without migrations."""
    found = (path.parent.name for path in (ROOT / app).glob("*/__init__.py"))
    return sorted(name for name in found if name not in ("migrations", "templatetags", "management"))


def purpose(package: Path) -> str:
    """Return the first sentence of a package's docstring, for Markdown."""
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    return re.split(r"(?<=\.)\s", text.replace("``", "`"), maxsplit=1)[0]


def rooms() -> str:
    """Return the picture: the four apps and the layers of talking_head as a diagram, and what each room is for."""
    lines = ["```mermaid", "flowchart TB", "    lessons --> avatars --> talking_head --> people[edu_platform.people]"]
    lines.append("    subgraph talking_head")
    floors = layers()
    for number, floor in enumerate(floors):
        names = [f"{name}/" if (ROOT / "talking_head" / name).is_dir() else name for name in modules_of(floor)]
        lines.append(f'        floor{number}["{" · ".join(names)}"]')
    lines.append("        " + " --> ".join(f"floor{number}" for number in range(len(floors))))
    lines += ["    end", "```", "", "| room | what it holds |", "|---|---|"]
    for app in APPS:
        lines.append(f"| **`{app}/`** | {purpose(ROOT / app)} |")
        shown = [name for floor in floors for name in modules_of(floor)] if app == "talking_head" else packages(app)
        for name in shown:
            if (ROOT / app / name / "__init__.py").is_file():
                lines.append(f"| `{app}/{name}/` | {purpose(ROOT / app / name)} |")
    return "\n".join(lines)


def services() -> str:
    """Return the functions that ``talking_head.services`` offers, with their signatures and first sentences."""
    from talking_head import services as offered

    lines = ["```python"]
    for name in offered.__all__:
        thing = getattr(offered, name)
        if inspect.isfunction(thing):
            (source,) = ast.parse(inspect.getsource(thing)).body
            assert isinstance(source, ast.FunctionDef)
            returns = f" -> {ast.unparse(source.returns)}" if source.returns else ""
            sentence = re.split(r"(?<=\.)\s", inspect.getdoc(thing) or "", maxsplit=1)[0].replace("\n", " ")
            lines += [f"{name}({ast.unparse(source.args)}){returns}", f"    # {sentence}"]
    return "\n".join([*lines, "```"])


def document_as_it_should_be(text: str) -> str:
    """Return the document with today's rooms and services between its markers."""
    for subject, write in (("rooms", rooms), ("services", services)):
        before, rest = text.split(BEGIN.format(subject), 1)
        _, after = rest.split(END.format(subject), 1)
        text = f"{before}{BEGIN.format(subject)}\n{write()}\n{END.format(subject)}{after}"
    return text


def dialect() -> tuple[list[str], int]:
    """Return where words of the dialect stand in product code and documents, and how many lines were read."""
    found, lines = [], 0
    for place in PROSE:
        paths = sorted((ROOT / place).rglob("*")) if (ROOT / place).is_dir() else [ROOT / place]
        for path in paths:
            if path.suffix not in PROSE_SUFFIXES or "migrations" in path.parts or not path.is_file():
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                lines += 1
                found += [f"{path.relative_to(ROOT)}:{number}: {word}" for word in DIALECT.findall(line)]
    return found, lines


def sentences_without_actor() -> list[str]:
    """Return where a comment, a docstring or a document names no actor. Texts that are data may use any words."""
    found = []
    for place in (*PROSE, "tests"):
        paths = sorted((ROOT / place).rglob("*")) if (ROOT / place).is_dir() else [ROOT / place]
        for path in paths:
            if path.suffix == ".py" and "migrations" not in path.parts:
                prose = comments_and_docstrings(path)
            elif path.suffix == ".md" and path.name != "CONTRIBUTING.md":  # which has the rule
                prose = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
            else:
                continue
            found += [
                f"{path.relative_to(ROOT)}:{line}: {word}" for line, text in prose for word in ACTORLESS.findall(text)
            ]
    return found


def comments_and_docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the first line and the text of each comment and each string that stands alone."""
    with path.open("rb") as file:
        yield from ((t.start[0], t.string) for t in tokenize.tokenize(file.readline) if t.type == tokenize.COMMENT)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


def docstrings_without_verb() -> list[str]:
    """Return the functions whose docstring does not begin with a verb in the imperative, as far as words tell."""
    found = []
    for path in product_files(".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (text := ast.get_docstring(node)):
                first = text.split()[0]
                if not first.isalpha() or first.lower() in NO_VERB or first in ("Raises:", "Returns", "Yields"):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {first}")
    return found


def classes_of_one_name() -> list[str]:
    """Return the names that two classes in different modules have."""
    places: dict[str, set[str]] = {}
    for path in product_files(".py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name != "Command":  # Django asks for that name
                places.setdefault(node.name, set()).add(str(path.relative_to(ROOT)))
    return [f"{name}: {', '.join(sorted(where))}" for name, where in sorted(places.items()) if len(where) > 1]


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "edu_platform.settings")
    django.setup()
    DOCUMENT.write_text(document_as_it_should_be(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
