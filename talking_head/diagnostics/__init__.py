"""``manage.py diagnose`` and the administrators' page: what this machine can do and what keeps it from doing more.

``machine``, ``engines`` and ``services`` gather facts, ``judgements`` judges them, ``diagnosis`` puts it together.
"""
