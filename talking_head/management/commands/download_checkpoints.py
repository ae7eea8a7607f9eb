"""``manage.py download_checkpoints``: fetches the weights of the optional engines, or says what is missing."""

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

EXIT_MISSING = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
COMMAND = "python manage.py download_checkpoints"


class Command(BaseCommand):
    help = "Fetches the weights of the optional engines into CHECKPOINTS_DIR and checks every byte of them."
    requires_system_checks: list[str] = []  # they look at web and database, which are not touched here
    retry_policy = RetryPolicy()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--only",
            action="append",
            default=[],
            metavar="NAME",
            help="a checkpoint, a file or an engine (sadtalker, gfpgan, coqui, ...); may be repeated",
        )
        parser.add_argument("--mirror", default="", metavar="URL|DIR", help="take everything from there instead")
        parser.add_argument("--accept-licences", action="store_true", help="accept the licences that are shown")
        parser.add_argument(
            "--manifest", type=Path, default=MANIFEST_FILE, metavar="FILE", help="another list of checkpoints"
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--verify", action="store_true", help="only check what is there; fetch nothing")
        what.add_argument("--force", action="store_true", help="fetch again what is there, too")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.CHECKPOINTS_DIR)
        self.stderr.style_func = None  # Django's red is for errors; a bar and a licence are none
        logging.getLogger("httpx").setLevel(logging.WARNING)  # a line per request would tear the bar
        bar = ProgressBar(self.stderr, sys.stderr.isatty())
        try:
            manifest = load_manifest(options["manifest"])
            chosen = manifest.named(options["only"]) if options["only"] else manifest.by_default()
            if options["verify"]:
                return self._verify(manifest if not options["only"] else Manifest(chosen), folder)
            mirror = parse_mirror(options["mirror"])
            with term_like_interrupt():
                self._show_licences(chosen, folder, accepted=options["accept_licences"])
                downloader = Downloader(folder, manifest, bar, mirror, options["force"], self.retry_policy)
                outcomes = downloader.run(chosen)
        except KeyboardInterrupt:
            bar.end()
            self._stop("Stopped. What has come is kept: the same command goes on from there.", EXIT_INTERRUPTED)
        except InvalidInput as error:
            self._stop(str(error), EXIT_BAD_INPUT)
        except TalkingHeadError as error:
            bar.end()
            self._stop(str(error), EXIT_MISSING)
        self._report(outcomes)

    # --- licences ---

    def _show_licences(self, chosen: Sequence[Checkpoint], folder: Path, *, accepted: bool) -> None:
        """Shows what has to be accepted, once; asks only a person who can answer."""
        missing = [one for one in chosen if not state_of(one, folder, deep=False).is_usable]
        for licence in {one.licence.key: one.licence for one in missing}.values():
            if is_accepted(licence, folder):
                continue
            files = ", ".join(one.file for one in missing if one.licence.key == licence.key)
            self.stderr.write(f"{licence.title} ({files})\n  {licence.terms}\n  {licence.url}")
            if accepted or (self._may_ask() and self._asks(licence)):
                accept([licence], folder)

    def _may_ask(self) -> bool:
        return sys.stdin.isatty() and sys.stderr.isatty()

    def _asks(self, licence: Licence) -> bool:
        self.stderr.write(f"Do you accept the terms of {licence.title}? [y/N] ", ending="")
        self.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    # --- what is said at the end ---

    def _verify(self, manifest: Manifest, folder: Path) -> None:
        bad = []
        for one in manifest.checkpoints:
            state = state_of(one, folder)
            if one.optional and state == FileState.MISSING and len(manifest.checkpoints) > 1:
                self.stdout.write(f"{'not here':10} {one.file} (optional, for {', '.join(one.needed_by)})")
                continue
            self.stdout.write(f"{state:10} {one.file} ({in_units(one.bytes)}, for {', '.join(one.needed_by)})")
            if not state.is_usable:
                bad.append(one)
        if bad:
            names = " ".join(f"--only {name}" for name in sorted({one.needed_by[0] for one in bad}))
            self._stop(f"{len(bad)} are not usable. Get them with: {COMMAND} {names}", EXIT_MISSING)

    def _report(self, outcomes: Sequence[DownloadOutcome]) -> None:
        for outcome in outcomes:
            if outcome.is_available:
                word = "was there" if outcome.result == Result.KEPT else "fetched"
                self.stdout.write(f"{outcome.checkpoint.file}: {word}, digest right")
        missing = [outcome for outcome in outcomes if not outcome.is_available]
        if not missing:
            return
        self.stderr.write(f"\n{len(missing)} of {len(outcomes)} files are still missing. To do:")
        for outcome in missing:
            self.stderr.write(_to_do(outcome))
        hint = ""
        if any(outcome.result == Result.FAILED for outcome in missing):
            hint = " Without a way to the internet, bring the files in a folder and name it: --mirror FOLDER"
        self._stop(f"Not everything is there.{hint}", EXIT_MISSING)

    def _stop(self, message: str, status: int) -> None:
        self.stderr.write(f"download_checkpoints: {message}")
        raise SystemExit(status)


def _to_do(outcome: DownloadOutcome) -> str:
    one = outcome.checkpoint
    head = f"- {one.file} ({in_units(one.bytes)}, for {', '.join(one.needed_by)})"
    if outcome.result == Result.LICENCE:
        return (
            f"{head}: read {one.licence.url}, and when you accept it:\n"
            f"    {COMMAND} --only {one.name} --accept-licences"
        )
    reasons = "\n".join(f"    {reason}" for reason in outcome.reasons)
    return f"{head}:\n{reasons}\n    {COMMAND} --only {one.name}"


@contextmanager
def term_like_interrupt() -> Iterator[None]:
    """Being ended by TERM goes the way of Ctrl-C: the unfinished file stays for the next run."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


class ProgressBar:
    """One line that redraws itself on a terminal; elsewhere a plain line per tenth of a file."""

    WIDTH = 24
    REDRAW_SECONDS = 0.2

    def __init__(self, stream: Any, is_terminal: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream: TextIO = stream
        self._is_terminal = is_terminal
        self._clock = clock
        self._line_open = False

    def begin(self, checkpoint: Checkpoint, have_bytes: int) -> None:
        self.end()
        self._checkpoint = checkpoint
        self._first_bytes = have_bytes
        self._started = self._drawn_at = self._clock()
        self._tenth = have_bytes * 10 // checkpoint.bytes
        resumed = f", {in_units(have_bytes)} of it are here already" if have_bytes else ""
        self._write(f"{checkpoint.file} ({in_units(checkpoint.bytes)}{resumed})\n")

    def advance(self, have_bytes: int) -> None:
        if have_bytes < self._first_bytes:  # the server began again from the start
            self._first_bytes, self._started, self._tenth = 0, self._clock(), 0
        share = have_bytes / self._checkpoint.bytes
        if not self._is_terminal:
            if int(share * 10) > self._tenth:
                self._tenth = int(share * 10)
                self._write(f"  {share:4.0%}{self._speed(have_bytes)}\n")
            return
        now = self._clock()
        if now - self._drawn_at < self.REDRAW_SECONDS and share < 1:
            return
        self._drawn_at = now
        filled = round(self.WIDTH * share)
        self._write(f"\r\x1b[K{'█' * filled}{'░' * (self.WIDTH - filled)} {share:4.0%}{self._speed(have_bytes)}")
        self._line_open = True

    def note(self, text: str) -> None:
        self.end()
        self._write(f"  {text}\n")

    def end(self) -> None:
        """Leaves the terminal's line free for what comes next."""
        if self._line_open:
            self._write("\r\x1b[K")
            self._line_open = False

    def _speed(self, have_bytes: int) -> str:
        seconds = self._clock() - self._started
        came_bytes = have_bytes - self._first_bytes
        if seconds < 1 or came_bytes <= 0:
            return ""
        per_second = came_bytes / seconds
        left_seconds = (self._checkpoint.bytes - have_bytes) / per_second
        left = f"{left_seconds:.0f} s" if left_seconds < 90 else f"{left_seconds / 60:.0f} min"
        return f"  {in_units(int(per_second))}/s  {left} left"

    def _write(self, text: str) -> None:
        if not self._is_terminal:
            self._stream.write(text.removesuffix("\n"))  # Django's wrapper ends lines itself
            return
        self._stream.write(text, ending="")  # type: ignore[call-arg]
        self._stream.flush()
