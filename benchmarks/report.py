"""Formats the benchmark's figures as a table, next to the aims (see docs/benchmarks.md)."""

from __future__ import annotations

from typing import Any


def table(figures: dict[str, Any]) -> str:
    """Return lines for a terminal, at most some 100 columns wide."""
    machine = figures["machine"]
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}, "
        f"Python {machine['python']}",
        f"load average {machine['load_1_minute']} before, {machine['load_1_minute_after']} after"
        + (" (quick run: short lessons, few repeats)" if figures["quick"] else ""),
        "",
        *_frames(figures["milliseconds_per_frame"]),
        "",
        *_rows(figures),
    ]
    return "\n".join(lines)


def _frames(sizes: dict[str, dict[str, float]]) -> list[str]:
    stages = list(next(iter(sizes.values())))
    head = f"{'ms per frame':14}" + "".join(f"{stage:>10}" for stage in stages)
    rows = [
        f"{size + ' px':14}" + "".join(f"{milliseconds[stage]:10.2f}" for stage in stages)
        for size, milliseconds in sizes.items()
    ]
    return [head, *rows]


def _rows(figures: dict[str, Any]) -> list[str]:
    rows: list[tuple[str, str, str]] = []
    for profile, lesson in figures["lesson_to_mp4"].items():
        name = f"text to MP4, {lesson['video_seconds']:.0f} s at {lesson['size_px']:.0f} px ({profile})"
        value = f"{lesson['real_time_factor']:.3f} x real time, {lesson['kilobits_per_second']:.0f} kbit/s"
        rows.append((name, value, "0.15 at 512 px"))
    for name, first in figures["first_clip"].items():
        label = name.replace("_", " ")
        aims = {"warm": ("0.5 s", "1 s")}.get(name, ("", ""))
        rows.append((f"click to first preview, {label}", f"{first['first_preview_seconds']:.2f} s", aims[0]))
        rows.append((f"click to first clip, {label}", f"{first['first_clip_seconds']:.2f} s", aims[1]))
    again = figures["rendering_again"]
    rows += [
        ("a sentence, first time (cold process)", f"{again['first_time_seconds']:.2f} s", ""),
        ("same portrait, new text", f"{again['same_portrait_new_text_seconds']:.2f} s", ""),
        ("  ... times faster", f"{again['first_over_new_text']:.1f} x", "6 x"),
        ("same text again", f"{1000 * again['same_text_again_seconds']:.1f} ms", "50 ms"),
    ]
    edit = figures["one_sentence_edit"]
    rows += [
        (f"{edit['sentences']:.0f} sentences, all new", f"{edit['whole_seconds']:.1f} s", ""),
        ("  ... one sentence changed", f"{edit['edit_seconds']:.2f} s", ""),
        ("  ... over one clip's time", f"{edit['edit_over_one_clip']:.2f} x", "1.5 x"),
        ("  ... clips rendered", f"{edit['clips_rendered_per_edit']:.0f}", "1"),
        ("  ... nothing changed", f"{1000 * edit['same_lesson_again_seconds']:.0f} ms", ""),
    ]
    memory = figures["memory"]
    for length in ("short", "long"):
        name = f"peak memory, {memory[f'{length}_video_seconds']:.0f} s of video"
        rows.append((name, f"{memory[f'{length}_megabytes']:.0f} MB", ""))
    rows.append(("  ... long over short", f"{memory['long_over_short']:.2f} x", "flat"))
    return [f"{name:46}{value:>34}   {'aim ' + aim if aim else ''}".rstrip() for name, value, aim in rows]
