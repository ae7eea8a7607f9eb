"""``manage.py diagnose`` and the administrators' page: what works on this machine and what does not.

``machine``, ``engines`` and ``services`` gather facts, ``judgements`` derives findings, ``diagnosis`` runs all of them.
"""
