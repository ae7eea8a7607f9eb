"""A lesson in the teacher's own voice, from the upload to the captions, through the real pages and engines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.access import assert_accessible, assert_fits
from tests.browser.steps import COURSE, RENDER_MS, STEP_MS, TEACHER, until, wait_for_state
from tests.talking_head.recordings import spoken, wav

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
expect.set_options(timeout=STEP_MS)

FIRST, SECOND = "Plants make their own food from light.", "Please read the next chapter before our lesson on Monday."


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "my voice.wav"
    path.write_bytes(wav(spoken((FIRST, SECOND))))
    return path


def new_lesson(page: Page, title: str) -> None:
    page.goto(COURSE)
    page.get_by_label("New lesson").fill(title)
    page.get_by_role("button", name="Add lesson").click()
    if page.viewport_size and page.viewport_size["width"] < 640:
        expect(page.locator("details[data-fold][open]")).to_have_count(0)  # the page's script folds them on a phone
    folded = page.locator("details[data-fold]:not([open]) > summary")
    while folded.count():
        folded.first.click()
    page.get_by_role("radio", name="Voice only").check()
    page.get_by_role("radio", name="Fast").check()


def saved(page: Page) -> None:
    expect(page.locator("[data-save-state]")).to_have_text("Saved")


def test_a_recording_becomes_a_lesson_whose_words_were_corrected(open_page: Any, recording: Path) -> None:
    page = open_page(TEACHER, viewport={"width": 390, "height": 844}, color_scheme="dark")
    new_lesson(page, "In my own voice")
    page.get_by_role("radio", name="My own recording").press("Space")
    expect(page.get_by_label("Voice", exact=True)).to_be_hidden()
    assert_accessible(page)

    page.get_by_label("Choose a recording").set_input_files(recording)
    expect(page.get_by_text("This recording sounds good.")).to_be_visible()
    assert_fits(page)
    assert_accessible(page)
    text = page.get_by_label("Text", exact=True)
    expect(text).to_have_value(re.compile("make their own food"), timeout=RENDER_MS)  # what was heard
    assert_accessible(page)

    text.fill(f"{FIRST} {SECOND}")
    saved(page)
    page.get_by_role("button", name="Generate video").click()
    assert wait_for_state(page, "completed", "fallback", "failed") == "completed"
    until(page, "document.querySelector('video').textTracks[0]?.cues?.length > 0")
    captions = page.evaluate("[...document.querySelector('video').textTracks[0].cues].map(cue => cue.text).join(' ')")
    assert "before our lesson" in re.sub(r"<[^>]+>|\s+", " ", captions).replace("  ", " ")

    # A sentence that was never recorded is named at the text, and nothing is rendered.
    text.fill(f"{FIRST} Nobody ever said this into a microphone. {SECOND}")
    page.get_by_role("button", name=re.compile("Update the video|Generate")).last.click()
    expect(page.locator("[data-script-error]")).to_contain_text("“Nobody ever said this into a microphone.”")


def test_a_recording_that_was_heard_for_another_lesson_brings_its_words_too(open_page: Any, recording: Path) -> None:
    page = open_page(TEACHER)
    for title in ("For the first class", "For the second class"):
        new_lesson(page, title)
        page.get_by_role("radio", name="My own recording").check()
        page.get_by_label("Choose a recording").set_input_files(recording)
        text = page.get_by_label("Text", exact=True)
        expect(text).to_have_value(re.compile("make their own food"), timeout=RENDER_MS)
        saved(page)


def test_removing_a_recording_can_be_undone_and_survives_a_reload(open_page: Any, recording: Path) -> None:
    page = open_page(TEACHER)
    new_lesson(page, "Changed my mind")
    page.get_by_role("radio", name="My own recording").check()
    page.get_by_label("Choose a recording").set_input_files(recording)
    remove = page.get_by_role("button", name="Remove the recording")
    expect(remove).to_be_visible()
    saved(page)
    remove.click()
    expect(page.get_by_text("Choose a recording")).to_be_visible()
    saved(page)
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_enabled()
    undo.click()
    expect(remove).to_be_visible()
    saved(page)
    page.reload()
    expect(remove).to_be_visible()
    page.get_by_role("radio", name="A voice reads the text").check()
    expect(page.get_by_label("Voice", exact=True)).to_be_visible()
    page.get_by_role("radio", name="My own recording").check()
    expect(remove).to_be_visible()  # it was kept while another choice was looked at


def test_what_is_no_recording_is_told_in_words(open_page: Any, tmp_path: Path) -> None:
    playlist = tmp_path / "voice.wav"
    playlist.write_text("#EXTM3U\nhttp://127.0.0.1:1/a.ts\n")
    page = open_page(TEACHER)
    new_lesson(page, "Not a recording")
    page.get_by_role("radio", name="My own recording").check()
    page.get_by_label("Choose a recording").set_input_files(playlist)
    expect(page.get_by_text("This sound format is not supported.")).to_be_visible()
    assert_accessible(page)
