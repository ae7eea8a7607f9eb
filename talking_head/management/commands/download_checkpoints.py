"""``manage.py download_checkpoints``: downloads the weights of the optional engines, or reports what is missing."""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from talking_head.checkpoints.download import Downloader, DownloadOutcome, Result
from talking_head.checkpoints.folder import FileState, in_units, state_of
from talking_head.checkpoints.http_transfer import RetryPolicy
from talking_head.checkpoints.licences import accept, is_accepted
from talking_head.checkpoints.manifest import MANIFEST_FILE, Checkpoint, Licence, Manifest, load_manifest
from talking_head.checkpoints.sources import parse_mirror
from talking_head.errors import InvalidInput, TalkingHeadError
from talking_head.management.terminal_line import TerminalLine, bar

EXIT_MISSING = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, the shells' convention
COMMAND = "python manage.py download_checkpoints"


class Command(BaseCommand):
    help = "Downloads the weights of the optional engines into CHECKPOINTS_DIR and verifies their digests."
    requires_system_checks: list[str] = []  # they check web and database, which are not used here
    retry_policy = RetryPolicy()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--only",
            action="append",
            default=[],
            metavar="NAME",
            help="a checkpoint, a file or an engine (sadtalker, gfpgan, coqui, ...); may be repeated",
        )
        parser.add_argument("--mirror", default="", metavar="URL|DIR", help="download everything from here instead")
        parser.add_argument("--accept-licences", action="store_true", help="accept the licences shown")
        parser.add_argument(
            "--manifest", type=Path, default=MANIFEST_FILE, metavar="FILE", help="another list of checkpoints"
        )
        modes = parser.add_mutually_exclusive_group()
        modes.add_argument("--verify", action="store_true", help="only check existing files; download nothing")
        modes.add_argument("--force", action="store_true", help="download existing files again, too")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.CHECKPOINTS_DIR)
        self.stderr.style_func = None  # Django's red is for errors; a bar and a licence are not errors
        logging.getLogger("httpx").setLevel(logging.WARNING)  # a line per request would break up the bar
        progress = DownloadBar(self.stderr, sys.stderr.isatty())
        try:
            manifest = load_manifest(options["manifest"])
            checkpoints = manifest.named(options["only"]) if options["only"] else manifest.by_default()
            if options["verify"]:
                return self._verify(manifest if not options["only"] else Manifest(checkpoints), folder)
            mirror = parse_mirror(options["mirror"])
            with term_like_interrupt():
                self._show_licences(checkpoints, folder, accepted=options["accept_licences"])
                downloader = Downloader(folder, manifest, progress, mirror, options["force"], self.retry_policy)
                outcomes = downloader.run(checkpoints)
        except KeyboardInterrupt:
            progress.end()
            self._stop("Stopped. Downloaded data is kept: run the same command again to resume.", EXIT_INTERRUPTED)
        except InvalidInput as error:
            self._stop(str(error), EXIT_BAD_INPUT)
        except TalkingHeadError as error:
            progress.end()
            self._stop(str(error), EXIT_MISSING)
        self._report(outcomes)

    # --- licences ---

    def _show_licences(self, checkpoints: Sequence[Checkpoint], folder: Path, *, accepted: bool) -> None:
        """Show each licence to accept once; ask only at a terminal."""
        missing = [item for item in checkpoints if not state_of(item, folder, deep=False).is_usable]
        for licence in {item.licence.key: item.licence for item in missing}.values():
            if is_accepted(licence, folder):
                continue
            files = ", ".join(item.file for item in missing if item.licence.key == licence.key)
            self.stderr.write(f"{licence.title} ({files})\n  {licence.terms}\n  {licence.url}")
            if accepted or (self._is_interactive() and self._ask(licence)):
                accept([licence], folder)

    def _is_interactive(self) -> bool:
        return sys.stdin.isatty() and sys.stderr.isatty()

    def _ask(self, licence: Licence) -> bool:
        self.stderr.write(f"Do you accept the terms of {licence.title}? [y/N] ", ending="")
        self.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    # --- reports ---

    def _verify(self, manifest: Manifest, folder: Path) -> None:
        bad = []
        for item in manifest.checkpoints:
            state = state_of(item, folder)
            if item.optional and state == FileState.MISSING and len(manifest.checkpoints) > 1:
                self.stdout.write(f"{'optional':10} {item.file} (not downloaded, for {', '.join(item.needed_by)})")
                continue
            self.stdout.write(f"{state:10} {item.file} ({in_units(item.bytes)}, for {', '.join(item.needed_by)})")
            if not state.is_usable:
                bad.append(item)
        if bad:
            names = " ".join(f"--only {name}" for name in sorted({item.needed_by[0] for item in bad}))
            self._stop(f"{len(bad)} files are not usable. Download them with: {COMMAND} {names}", EXIT_MISSING)

    def _report(self, outcomes: Sequence[DownloadOutcome]) -> None:
        for outcome in outcomes:
            if outcome.is_available:
                action = "already present" if outcome.result == Result.KEPT else "downloaded"
                self.stdout.write(f"{outcome.checkpoint.file}: {action}, digest verified")
        missing = [outcome for outcome in outcomes if not outcome.is_available]
        if not missing:
            return
        self.stderr.write(f"\n{len(missing)} of {len(outcomes)} files are still missing. To get them:")
        for outcome in missing:
            self.stderr.write(_instructions(outcome))
        hint = ""
        if any(outcome.result == Result.FAILED for outcome in missing):
            hint = " Without internet access, copy the files into a folder and use it: --mirror FOLDER"
        self._stop(f"Some files are missing.{hint}", EXIT_MISSING)

    def _stop(self, message: str, status: int) -> None:
        self.stderr.write(f"download_checkpoints: {message}")
        raise SystemExit(status)


def _instructions(outcome: DownloadOutcome) -> str:
    checkpoint = outcome.checkpoint
    head = f"- {checkpoint.file} ({in_units(checkpoint.bytes)}, for {', '.join(checkpoint.needed_by)})"
    if outcome.result == Result.LICENCE:
        return (
            f"{head}: read {checkpoint.licence.url}, and if you accept it:\n"
            f"    {COMMAND} --only {checkpoint.name} --accept-licences"
        )
    reasons = "\n".join(f"    {reason}" for reason in outcome.reasons)
    return f"{head}:\n{reasons}\n    {COMMAND} --only {checkpoint.name}"


@contextmanager
def term_like_interrupt() -> Iterator[None]:
    """Handle TERM like Ctrl-C: the unfinished file stays for the next run."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


class DownloadBar:
    """A line that is redrawn on a terminal; elsewhere one plain line per tenth of a file."""

    WIDTH = 24
    REDRAW_SECONDS = 0.2

    def __init__(self, stream: Any, is_terminal: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream: TextIO = stream
        self._is_terminal = is_terminal
        self._clock = clock
        self._line = TerminalLine(self._write, self.REDRAW_SECONDS, clock)

    def begin(self, checkpoint: Checkpoint, have_bytes: int) -> None:
        """Announce a file, of which ``have_bytes`` were downloaded before."""
        self._line.end()
        self._checkpoint = checkpoint
        self._first_bytes = have_bytes
        self._started = self._clock()
        self._tenth = have_bytes * 10 // checkpoint.bytes
        resumed = f", {in_units(have_bytes)} already downloaded" if have_bytes else ""
        self._write(f"{checkpoint.file} ({in_units(checkpoint.bytes)}{resumed})\n")

    def advance(self, have_bytes: int) -> None:
        """Draw how much of the file has been downloaded."""
        if have_bytes < self._first_bytes:  # the server started over
            self._first_bytes, self._started, self._tenth = 0, self._clock(), 0
        share = have_bytes / self._checkpoint.bytes
        if self._is_terminal:
            self._line.draw(f"{bar(share, self.WIDTH)} {share:4.0%}{self._speed(have_bytes)}", now=share >= 1)
        elif int(share * 10) > self._tenth:
            self._tenth = int(share * 10)
            self._write(f"  {share:4.0%}{self._speed(have_bytes)}\n")

    def note(self, text: str) -> None:
        """Print a line of text under the file."""
        self._line.end()
        self._write(f"  {text}\n")

    def end(self) -> None:
        """Clear the terminal's line for the next output."""
        self._line.end()

    def _speed(self, have_bytes: int) -> str:
        seconds = self._clock() - self._started
        received_bytes = have_bytes - self._first_bytes
        if seconds < 1 or received_bytes <= 0:
            return ""
        per_second = received_bytes / seconds
        left_seconds = (self._checkpoint.bytes - have_bytes) / per_second
        left = f"{left_seconds:.0f} s" if left_seconds < 90 else f"{left_seconds / 60:.0f} min"
        return f"  {in_units(int(per_second))}/s  {left} left"

    def _write(self, text: str) -> None:
        if not self._is_terminal:
            self._stream.write(text.removesuffix("\n"))  # Django's wrapper ends lines itself
            return
        self._stream.write(text, ending="")  # type: ignore[call-arg]
        self._stream.flush()
