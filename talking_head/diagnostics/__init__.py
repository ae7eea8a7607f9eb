"""``manage.py diagnose`` and the administrators' page: what this machine can do and what keeps it from doing more.

``machine``, ``engines`` and ``services`` gather facts, ``advice`` judges them, ``diagnosis`` puts it together.
"""
