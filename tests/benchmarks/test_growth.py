"""The benchmark of growth: what its figures say about the shape of the growth."""

from __future__ import annotations

from benchmarks.growth.figures import Figure, slopes, table


def test_slopes_are_the_exponents_of_the_growth() -> None:
    figures = [
        Figure("flat", 10, "rows", (0.2, 0.1, 0.3)),
        Figure("quadratic", 10, "rows", (0.1,)),
        Figure("flat", 100, "rows", (0.2,)),
        Figure("quadratic", 100, "rows", (10.0,)),
    ]
    assert slopes(figures) == [None, None, 0.0, 2.0]


def test_the_table_keeps_the_sizes_of_one_thing_together() -> None:
    figures = [Figure("b", 10, "rows", (1.0,)), Figure("a", 10, "rows", (1.0,)), Figure("a", 2, "rows", (1.0,))]
    lines = [line.split(" | ")[:2] for line in table(figures).splitlines()[2:]]
    assert lines == [["| a", "2 rows"], ["| a", "10 rows"], ["| b", "10 rows"]]


def test_a_figure_survives_its_way_between_processes() -> None:
    figure = Figure("page", 10, "lessons", (0.1, 0.2), "wall", 3, 4_000)
    assert Figure.from_json(figure.to_json()) == figure
