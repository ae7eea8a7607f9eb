"""The SadTalker face engine for quality, reimplemented (Zhang et al., CVPR 2023, arXiv:2211.12194).

Every network is one readable file that loads the official weights unchanged and reproduces the original's numbers::

    portrait -> face_crop -> alignment -> face_reconstruction -> coefficients (73)
    waveform -> mel -> audio_to_expression, audio_to_pose, blink -> coefficients (70) -> semantics -> mapping
    portrait -> keypoints (canonical) -> keypoint_transform -> dense_motion -> generator -> frames -> paste_back

The plain networks are the reference that ``benchmarks/parity.py`` compares with golden numbers; :mod:`.fast.generator`
is the same function with all reusable work done only once. Only this package imports torch, but importing
:mod:`.engine` does not: torch is loaded when an engine is created. See ``docs/sadtalker.md``.
"""
