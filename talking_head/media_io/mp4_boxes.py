"""The few MP4 boxes we touch ourselves: marking a file as synthetic, and cutting clips into HLS segments.

Sources: ISO/IEC 14496-12 (boxes, movie fragments); Adobe XMP specification part 3 (the ``uuid`` box); IPTC Photo and
Video Metadata (``Iptc4xmpExt:DigitalSourceType``, http://cv.iptc.org/newscodes/digitalsourcetype/).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from uuid import UUID
from xml.sax.saxutils import escape

from talking_head.errors import RendererError, from_os_error

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


def boxes(data: bytes | bytearray, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes between two offsets, not those inside them.

    Raises:
        RendererError: ``clip_damaged`` when a box reaches beyond the end.
    """
    end = len(data) if end is None else end
    while start < end:
        if start + 8 > end:
            raise _damaged()
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        if size < body - start or start + size > end:
            raise _damaged()
        yield Box(kind, start, body, start + size)
        start += size


def _damaged() -> RendererError:
    return RendererError("A clip in the cache is damaged.", code="clip_damaged", hint="Render the video again.")


def mark_as_synthetic(path: Path, tool: str) -> None:
    """Appends an XMP packet that says by which kind of source the video came to be. Nothing else in the file moves."""
    packet = _XMP.format(source_type=DIGITAL_SOURCE_TYPE, tool=escape(tool)).encode()
    try:
        with path.open("ab") as file:
            file.write(struct.pack(">I4s", 8 + 16 + len(packet), b"uuid") + XMP_BOX.bytes + packet)
    except OSError as error:
        raise from_os_error(error) from error


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
    ticks_per_second = _timescales(parts.init)
    data = bytearray(parts.media)
    for box in _descend(data, b"moof"):
        if box.kind == b"mfhd":
            struct.pack_into(">I", data, box.body + 4, sequence_number)
        elif box.kind == b"traf":
            inside = {child.kind: child for child in boxes(data, box.body, box.end)}
            (track,) = struct.unpack_from(">I", data, inside[b"tfhd"].body + 4)
            time = inside[b"tfdt"].body
            if data[time] != 1:  # version 1 has 64 bits
                raise _damaged()
            (ticks,) = struct.unpack_from(">Q", data, time + 4)
            struct.pack_into(">Q", data, time + 4, ticks + int(start_seconds * ticks_per_second[track]))
    return bytes(data)


def _timescales(init: bytes) -> dict[int, int]:
    """Track number -> ticks per second, from ``moov/trak/{tkhd,mdia/mdhd}``."""
    scales = {}
    for trak in _descend(init, b"moov"):
        if trak.kind != b"trak":
            continue
        inside = {box.kind: box for box in boxes(init, trak.body, trak.end)}
        media = {box.kind: box for box in boxes(init, inside[b"mdia"].body, inside[b"mdia"].end)}
        (track,) = struct.unpack_from(">I", init, inside[b"tkhd"].body + _after_dates(init, inside[b"tkhd"]))
        (scale,) = struct.unpack_from(">I", init, media[b"mdhd"].body + _after_dates(init, media[b"mdhd"]))
        scales[track] = scale
    return scales


def _after_dates(data: bytes, box: Box) -> int:
    """Offset behind version, flags, creation and modification time, which are longer in version 1."""
    return 4 + (16 if data[box.body] == 1 else 8)


def _descend(data: bytes | bytearray, kind: bytes) -> Iterator[Box]:
    """The boxes directly inside the top-level boxes of that kind."""
    for outer in boxes(data):
        if outer.kind == kind:
            yield from boxes(data, outer.body, outer.end)
