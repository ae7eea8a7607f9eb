"""Measures how the cost of pages, edits and processes grows with what a site holds: ``python -m benchmarks.growth``.

Each module named in ``AREAS`` of :mod:`benchmarks.growth.__main__` measures one area. It has a function
``measure(scale: int) -> Iterator[Figure]``, called in a process of its own with Django configured and an empty, new
database, which it fills by itself. What a scale means is the area's own choice; a figure names its size.
"""
