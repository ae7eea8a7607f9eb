"""Reading and writing of MP4 boxes: finding the parts of a clip, and marking a file as synthetic.

Sources: ISO/IEC 14496-12 (boxes, movie fragments); Adobe XMP specification part 3 (the ``uuid`` box); IPTC Photo and
Video Metadata (``Iptc4xmpExt:DigitalSourceType``, http://cv.iptc.org/newscodes/digitalsourcetype/).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID
from xml.sax.saxutils import escape

from talking_head.errors import RendererError

XMP_BOX = UUID("be7acfcb-97a9-42e8-9c71-999491e3afac")
# A photograph or painting, moved and voiced by software that learned from recordings.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/">
   <Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>
   <xmp:CreatorTool>{tool}</xmp:CreatorTool>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>
"""


@dataclass(frozen=True, slots=True)
class Mp4Box:
    """The position of a box in its buffer: ``start`` of the header, ``body`` after it, ``end`` after the box."""

    kind: bytes
    start: int
    body: int
    end: int


def boxes(
    data: bytes | bytearray, start: int = 0, end: int | None = None, kind: bytes | None = None
) -> Iterator[Mp4Box]:
    """Yield the boxes between two offsets, not those nested in them; only those of one kind if ``kind`` is given.

    Raises:
        RendererError: ``clip_damaged`` when a box reaches beyond the end.
    """
    end = len(data) if end is None else end
    while start < end:
        if start + 8 > end:
            raise damaged()
        size, actual_kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        if size < body - start or start + size > end:
            raise damaged()
        if kind in (None, actual_kind):
            yield Mp4Box(actual_kind, start, body, start + size)
        start += size


def find(data: bytes | bytearray, kind: bytes, inside: Mp4Box | None = None) -> Mp4Box:
    """Return the first box of that kind at the top level or directly inside another box.

    Raises:
        RendererError: ``clip_damaged`` when there is none.
    """
    start, end = (inside.body, inside.end) if inside else (0, len(data))
    match = next(boxes(data, start, end, kind), None)
    if match is None:
        raise damaged()
    return match


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box around its parts."""
    size = 8 + sum(len(part) for part in parts)
    return struct.pack(">I4s", size, kind) + b"".join(parts)


def full_box(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    """Return a box that begins with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def damaged() -> RendererError:
    """Return the error for a clip that is not what :class:`talking_head.media_io.video.ClipWriter` wrote."""
    return RendererError("A clip in the cache is damaged.", code="clip_damaged", hint="Render the video again.")


def synthetic_mark(tool: str) -> bytes:
    """Return a box with an XMP packet that declares the kind of source of the video.

    It may be anywhere at the top level, preferably at the end.
    """
    packet = _XMP.format(source_type=DIGITAL_SOURCE_TYPE, tool=escape(tool)).encode()
    return box(b"uuid", XMP_BOX.bytes, packet)


def after_dates(data: bytes | bytearray, box: Mp4Box) -> int:
    """Return the offset after version, flags, creation and modification time, which are longer in version 1."""
    return 4 + (16 if data[box.body] == 1 else 8)
