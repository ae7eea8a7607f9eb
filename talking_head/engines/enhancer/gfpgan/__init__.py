"""GFPGAN (Wang et al., CVPR 2021, arXiv:2101.04061), the face restorer, reimplemented for inference in plain torch.

::

    frames -> face_alignment (five points -> upright 512 px face) -> network (a U-Net steers a StyleGAN2 decoder)
           -> face_alignment (back into the frame under a soft mask) -> frames of the same size

The official ``GFPGANv1.4.pth`` is loaded unchanged. Importing :mod:`.engine` does not import torch; creating the engine
does.
"""
