"""The page where a lesson is watched: what is in sight, where the focus is, and what a screen reader hears."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import av
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.access import assert_accessible, assert_fits, assert_focus_stays_in_sight
from tests.browser.conftest import SENTENCES, OpenPage
from tests.browser.steps import RENDER_MS, playing_past, until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PHONE = {"width": 390, "height": 844}
SMALLEST = {"width": 320, "height": 640}
LANDSCAPE = {"width": 844, "height": 390}
DESKTOP = {"width": 1280, "height": 800}

Watch = Callable[..., Page]

# Writes down every change of the words in live regions, and of the words of the slider.
LISTEN = """() => {
  window.heard = [];
  window.sliderChanges = 0;
  const regions = document.querySelectorAll('[role=status], [role=alert], [aria-live]');
  for (const region of regions) {
    new MutationObserver(() => {
      const words = region.textContent.trim();
      if (words && heard.at(-1) !== words) heard.push(words);
    }).observe(region, { childList: true, characterData: true, subtree: true });
  }
  new MutationObserver(() => (sliderChanges += 1))
    .observe(document.querySelector('[data-seek]'), { attributes: true, attributeFilter: ['aria-valuetext'] });
}"""


@pytest.fixture
def watch(open_page: OpenPage, watched: str) -> Iterator[Watch]:
    def watch(**options: Any) -> Page:
        page: Page = open_page("student", **options)
        page.goto(watched)
        until(page, "document.querySelector('video').readyState >= 1")
        page.locator("[data-transcript]").dispatch_event("pointerenter")  # the words' times come when they are of use
        until(page, "!!document.querySelector('.word')")
        return page

    yield watch


def play(page: Page) -> None:
    """Starts the video at once, as a press would."""
    page.evaluate("document.querySelector('video').play()")
    playing_past(page, 0)


def clip(width: int, height: int) -> bytes:
    """A second of a grey video of that size."""
    data = io.BytesIO()
    with av.open(data, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (width, height), "grey"))))
        container.mux(stream.encode())
    return data.getvalue()


@pytest.mark.parametrize("size", [(640, 640), (360, 640), (640, 360)], ids=["square", "portrait", "wide"])
def test_full_screen_shows_the_whole_picture_and_the_captions(watch: Watch, size: tuple[int, int]) -> None:
    page = watch(viewport=DESKTOP)
    video = clip(*size)
    page.route("**/video.mp4", lambda route: route.fulfill(body=video, content_type="video/mp4"))
    page.reload()
    until(page, f"document.querySelector('video').videoWidth === {size[0]}")
    page.evaluate("document.querySelector('video').play()")  # the captions are fetched then
    for viewport in (DESKTOP, LANDSCAPE, PHONE):
        page.set_viewport_size({"width": viewport["width"], "height": viewport["height"]})
        page.get_by_role("button", name="Full screen", exact=True).click()
        until(page, "!!document.fullscreenElement")
        until(page, "document.querySelector('video').getBoundingClientRect().bottom <= innerHeight")
        picture, controls = page.locator("video").bounding_box(), page.locator("[data-controls]").bounding_box()
        assert picture and controls
        assert picture["y"] >= 0 and picture["x"] >= 0 and picture["x"] + picture["width"] <= viewport["width"]
        assert picture["y"] + picture["height"] <= controls["y"] + 1
        assert controls["y"] + controls["height"] <= viewport["height"] + 1
        assert min(picture["width"], picture["height"]) > 0.6 * min(viewport.values())
        assert page.evaluate("getComputedStyle(document.querySelector('video')).objectFit") == "contain"
        assert page.evaluate("document.querySelector('video').textTracks[0].mode") == "showing"
        page.get_by_role("button", name="Leave full screen").click()
        until(page, "!document.fullscreenElement")


@pytest.mark.parametrize("viewport", [PHONE, SMALLEST, DESKTOP], ids=["phone", "smallest", "desktop"])
def test_the_spoken_line_is_never_under_the_player(watch: Watch, viewport: dict[str, int]) -> None:
    page = watch(viewport=viewport, reduced_motion="reduce")
    page.locator("[data-transcript]").scroll_into_view_if_needed()
    for start_at in ("start", "end"):  # the page scrolled so that the transcript begins, or ends, in the window
        page.evaluate(f"document.querySelector('[data-transcript]').scrollIntoView({{block: '{start_at}'}})")
        for index in range(len(SENTENCES)):
            line = page.locator(f".line[data-index='{index}']")
            seconds = float(line.get_attribute("data-start") or 0) + 0.2
            page.evaluate(f"document.querySelector('video').currentTime = {seconds}")
            expect(line).to_have_class(re.compile("is-current"))
            place = page.evaluate(
                """(index) => {
                  const line = document.querySelector(`.line[data-index='${index}']`).getBoundingClientRect();
                  const hit = document.elementFromPoint(line.left + line.width / 2, line.top + line.height / 2);
                  return hit?.closest('.line')?.dataset.index ?? hit?.outerHTML.slice(0, 80) ?? 'outside';
                }""",
                index,
            )
            assert place == str(index), (start_at, index, place)


@pytest.mark.parametrize("viewport", [LANDSCAPE, PHONE, DESKTOP], ids=["landscape", "phone", "desktop"])
def test_a_pressed_sentence_plays_where_it_can_be_seen(watch: Watch, viewport: dict[str, int]) -> None:
    page = watch(viewport=viewport)
    page.locator(".line-text .word").nth(30).click()
    playing_past(page, 1)
    box = page.locator("[data-screen]").bounding_box()
    assert box and box["y"] >= -1 and box["y"] + box["height"] <= viewport["height"] + 1


def test_the_place_is_saved_after_seeking_back(watch: Watch) -> None:
    page = watch()
    with page.expect_response(lambda answer: "progress" in answer.url):
        page.evaluate("document.querySelector('video').currentTime = 20")
        play(page)
    with page.expect_response(lambda answer: '"position":1' in (answer.request.post_data or "")):
        page.evaluate("document.querySelector('video').currentTime = 1")


def test_a_jump_to_the_end_is_not_done_and_watching_all_of_it_is(watch: Watch) -> None:
    page = watch()
    jump = "(v => { v.playbackRate = 4; v.currentTime = v.duration - 1; v.play(); })(document.querySelector('video'))"
    with page.expect_response(lambda answer: "progress" in answer.url and not answer.json()["completed"]):
        page.evaluate(jump)
    until(page, "document.querySelector('video').ended")
    expect(page.get_by_role("button", name="Mark as done")).to_be_visible()
    page.evaluate(LISTEN)
    page.evaluate("(v => { v.playbackRate = 4; v.currentTime = 0; v.play(); })(document.querySelector('video'))")
    expect(page.get_by_role("button", name="Done", exact=True)).to_be_visible(timeout=RENDER_MS)
    heard = page.evaluate("heard")
    assert sum("Done." in words for words in heard) == 1
    until(page, "document.querySelector('video').ended")
    assert sum("The video has ended." in words for words in page.evaluate("heard")) == 1


@pytest.mark.parametrize("viewport", [SMALLEST, PHONE, DESKTOP], ids=["smallest", "phone", "desktop"])
def test_no_focus_is_lost_or_hidden(watch: Watch, viewport: dict[str, int]) -> None:
    page = watch(viewport=viewport, reduced_motion="reduce")
    assert_accessible(page)
    assert_fits(page)
    for key in ("Tab", "Shift+Tab"):
        assert_focus_stays_in_sight(page, key)
    for name in ("Play", "Mute", "Captions", "Full screen"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
    expect(page.get_by_label("Volume")).to_be_visible()


@pytest.mark.parametrize("name", ["Resume", "Start over"])
def test_the_focus_moves_before_a_button_goes(watch: Watch, name: str) -> None:
    page = watch()
    page.evaluate("document.querySelector('video').currentTime = 12")
    with page.expect_response(lambda answer: '"position":12' in (answer.request.post_data or "")):
        page.evaluate(
            "(v => { v.play().then(() => { v.currentTime = 12; v.pause(); }) })(document.querySelector('video'))"
        )
    page.reload()
    page.get_by_role("button", name=name).press("Enter")
    expect(page.get_by_role("button", name="Pause")).to_be_focused()


def test_states_are_announced_once_and_the_slider_is_quiet(watch: Watch) -> None:
    page = watch()
    page.evaluate(LISTEN)
    page.locator("[data-seek]").focus()
    play(page)
    before = page.evaluate("sliderChanges")
    playing_past(page, 3)
    assert page.evaluate("sliderChanges") == before
    assert page.evaluate("heard") == ["Playing from 0 seconds."]
    page.evaluate("document.querySelector('video').pause()")
    page.evaluate("document.querySelector('video').currentTime = 10")
    page.locator("[data-seek]").press("ArrowRight")
    until(page, "document.querySelector('video').currentTime === 15")
    expect(page.locator("[data-seek]")).to_have_attribute("aria-valuetext", re.compile("^15 seconds of "))
    page.locator("[data-seek]").press("ArrowLeft")
    until(page, "document.querySelector('video').currentTime === 10")


def test_a_lost_connection_is_said_once_and_an_end_of_the_session_offers_to_log_in(watch: Watch) -> None:
    page = watch(viewport=PHONE)
    page.evaluate(LISTEN)
    page.route("**/progress/", lambda route: route.abort())
    play(page)
    for seconds in (6, 12, 18):
        with page.expect_event("requestfailed"):
            page.evaluate(f"document.querySelector('video').currentTime = {seconds}")
    expect(page.get_by_text("The connection is lost.")).to_be_visible()
    assert_accessible(page)
    assert sum("The connection is lost." in words for words in page.evaluate("heard")) == 1
    page.unroute("**/progress/")
    page.evaluate("document.querySelector('video').currentTime = 1")
    expect(page.get_by_text("The connection is lost.")).to_have_count(0)
    page.context.clear_cookies(name="sessionid")
    page.evaluate("document.querySelector('video').currentTime = 12")
    link = page.get_by_role("link", name="Log in again")
    expect(link).to_be_visible()
    expect(page.get_by_text("The server answered")).to_have_count(0)
    link.click()
    page.wait_for_url(lambda url: "/accounts/login/" in url and "next=" in url)


def test_forced_colours_show_what_is_on(watch: Watch) -> None:
    page = watch(forced_colors="active")
    page.evaluate("document.querySelector('video').currentTime = 2")
    for chosen, other in (
        (".line.is-current", ".line:not(.is-current)"),
        (".word.is-current", ".word:not(.is-current)"),
        (".chapter[aria-current=true]", ".chapter:not([aria-current])"),
        ("[data-captions]", "[data-mute]"),
    ):
        expect(page.locator(chosen).first).to_be_visible()
        look = "e => (s => [s.backgroundColor, s.borderInlineStartColor, s.outlineStyle].join())(getComputedStyle(e))"
        assert page.locator(chosen).first.evaluate(look) != page.locator(other).first.evaluate(look), chosen


def test_what_screen_readers_are_told_of_the_player(watch: Watch) -> None:
    page = watch()
    expect(page.locator("[data-player]")).to_match_aria_snapshot("""
        - region "Video player":
          - slider "Position"
          - button "Play"
          - paragraph: /0:00 \\/ \\d+:\\d+/
          - button "Mute"
          - slider "Volume"
          - button "Captions" [pressed]
          - combobox "Playback speed"
          - button "Full screen"
    """)
    texts = page.locator("h1, .line-text, .transcript h3, .chapter > span[dir]")
    assert texts.evaluate_all("all => all.every((element) => element.lang === 'en')")
    empty = "[aria-current=''], [aria-invalid=''], [aria-pressed=''], [aria-expanded=''], [aria-selected='']"
    expect(page.locator(empty)).to_have_count(0)
