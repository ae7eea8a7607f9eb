"""The puppet: one photo becomes a talking portrait by warping it, on a plain CPU.

::

    portrait -> mesh -> framing -> lip_contours -> expressions, head_pose -> fields -> source      (once per portrait)
    take -> visemes, life -> motion                                                                (once per clip)
    source, motion -> lids -> head warp -> mouth_painter -> frame                                  (every frame)

What the mesh's points do per channel is in :mod:`.expressions`, in units of a relaxed mouth and in the face's own
frame. :mod:`.fields` spreads it over the picture and inverts it. Teeth and tongue never stretch: they are textures of
their own (:mod:`.mouth`). The first and the last frame of every clip are the photo itself, byte for byte.
"""
