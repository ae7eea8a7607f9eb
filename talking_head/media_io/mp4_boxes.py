"""The few MP4 boxes we touch ourselves: marking a file as synthetic, and cutting clips into HLS segments.

Sources: ISO/IEC 14496-12 (boxes, movie fragments); Adobe XMP specification part 3 (the ``uuid`` box); IPTC Photo and
Video Metadata (``Iptc4xmpExt:DigitalSourceType``, http://cv.iptc.org/newscodes/digitalsourcetype/).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
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
class Box:
    """Where a box stands in its buffer: ``start`` of its header, ``body`` behind the header, ``end`` behind the box."""

    kind: bytes
    start: int
    body: int
    end: int


def boxes(data: bytes | bytearray, start: int = 0, end: int | None = None, kind: bytes | None = None) -> Iterator[Box]:
    """The boxes between two offsets, not those inside them; only those of one kind if that is named.

    Raises:
        RendererError: ``clip_damaged`` when a box reaches beyond the end.
    """
    end = len(data) if end is None else end
    while start < end:
        if start + 8 > end:
            raise damaged()
        size, found = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        if size < body - start or start + size > end:
            raise damaged()
        if kind in (None, found):
            yield Box(found, start, body, start + size)
        start += size


def find(data: bytes | bytearray, kind: bytes, inside: Box | None = None) -> Box:
    """The first box of that kind at the top level or directly inside another box.

    Raises:
        RendererError: ``clip_damaged`` when there is none.
    """
    start, end = (inside.body, inside.end) if inside else (0, len(data))
    found = next(boxes(data, start, end, kind), None)
    if found is None:
        raise damaged()
    return found


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box around its parts."""
    size = 8 + sum(len(part) for part in parts)
    return struct.pack(">I4s", size, kind) + b"".join(parts)


def full_box(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box that begins with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def damaged() -> RendererError:
    """What to raise when a clip is not what :class:`talking_head.media_io.video.ClipWriter` wrote."""
    return RendererError("A clip in the cache is damaged.", code="clip_damaged", hint="Render the video again.")


def synthetic_mark(tool: str) -> bytes:
    """A box with an XMP packet that says by which kind of source the video came to be. It may stand anywhere at the top
    level, best at the end."""
    packet = _XMP.format(source_type=DIGITAL_SOURCE_TYPE, tool=escape(tool)).encode()
    return box(b"uuid", XMP_BOX.bytes, packet)


@dataclass(frozen=True, slots=True)
class ClipParts:
    """A fragmented clip taken apart: what a player needs once, and what it needs for this clip."""

    init: bytes  # ftyp, moov: the same for all clips of one format
    media: bytes  # moof, mdat


def split_clip(data: bytes) -> ClipParts:
    """Takes a clip apart; both parts together are the clip without its index of fragments."""
    found = list(boxes(data))

    def part(*kinds: bytes) -> bytes:
        return b"".join(data[box.start : box.end] for box in found if box.kind in kinds)

    return ClipParts(part(b"ftyp", b"moov"), part(b"moof", b"mdat"))


def moved_to(parts: ClipParts, *, sequence_number: int, start_seconds: Fraction) -> bytes:
    """The media segment at another place of the timeline: only its number and its tracks' decode times change.

    ``start_seconds`` is a whole number of clip quanta, which every track's timescale expresses exactly.
    """
    scales = ticks_per_second(parts.init)
    data = bytearray(parts.media)
    moof = find(data, b"moof")
    struct.pack_into(">I", data, find(data, b"mfhd", inside=moof).body + 4, sequence_number)
    for traf in boxes(data, moof.body, moof.end, b"traf"):
        (track,) = struct.unpack_from(">I", data, find(data, b"tfhd", inside=traf).body + 4)
        time = find(data, b"tfdt", inside=traf).body
        if data[time] != 1:  # version 1 has 64 bits
            raise damaged()
        (ticks,) = struct.unpack_from(">Q", data, time + 4)
        struct.pack_into(">Q", data, time + 4, ticks + int(start_seconds * scales[track]))
    return bytes(data)


def ticks_per_second(init: bytes) -> dict[int, int]:
    """Track number -> ticks per second, from ``moov/trak/{tkhd,mdia/mdhd}``."""
    moov = find(init, b"moov")
    scales = {}
    for trak in boxes(init, moov.body, moov.end, b"trak"):
        tkhd, mdhd = find(init, b"tkhd", inside=trak), find(init, b"mdhd", inside=find(init, b"mdia", inside=trak))
        (track,) = struct.unpack_from(">I", init, tkhd.body + after_dates(init, tkhd))
        (scales[track],) = struct.unpack_from(">I", init, mdhd.body + after_dates(init, mdhd))
    return scales


def after_dates(data: bytes | bytearray, box: Box) -> int:
    """Offset behind version, flags, creation and modification time, which are longer in version 1."""
    return 4 + (16 if data[box.body] == 1 else 8)
