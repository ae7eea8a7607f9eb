"""The puppet engine: a talking portrait made by warping one photo, on a plain CPU.

::

    portrait -> mesh -> framing -> lip_contours -> expressions, head_pose -> fields -> source      (once per portrait)
    take -> visemes, idle_motion -> motion                                                         (once per clip)
    source, motion -> lids -> head warp -> mouth_painter -> frame                                  (every frame)

:mod:`.expressions` holds the displacement of the mesh points per channel, in units of a relaxed mouth and in the face's
own frame. :mod:`.fields` spreads it over the picture and inverts it. Teeth and tongue never stretch: they have separate
textures (:mod:`.mouth`). The first and the last frame of every clip are the photo itself, byte for byte.
"""
