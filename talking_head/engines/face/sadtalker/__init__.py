"""SadTalker (Zhang et al., CVPR 2023, arXiv:2211.12194) in our own words: the quality face engine.

Every network is one readable file that loads the official weights unchanged and gives the original's numbers::

    portrait -> face_crop -> alignment -> face_reconstruction -> coefficients (73)
    waveform -> mel -> audio_to_expression, audio_to_pose, blink -> coefficients (70) -> semantics -> mapping
    portrait -> keypoints (canonical) -> keypoint_transform -> dense_motion -> generator -> frames -> paste_back

The plain networks are the reference that ``benchmarks/parity.py`` holds against golden numbers; ``fast_generator`` is
the same function with everything done once that can be done once. Only this package imports torch, and importing
:mod:`.engine` does not: torch is loaded when an engine is created. See ``docs/sadtalker.md``.
"""
