"""Uploaded files are decoded here: each in a small child process with limits, two at a time on a machine.

A decoder is a large piece of native code that reads a stranger's bytes. It may use all memory, never end, or crash, so
none runs in the web process. ``decoder`` is what the services call; ``operations`` names what can be done, each with
its limits; ``slots`` counts the decoders of all processes of this machine; ``host_handle`` starts the ``host``, a warm
process that has loaded the decoders, never decodes anything itself and forks a ``child`` for each file; ``pictures``
and ``sounds`` run in the child.
"""
