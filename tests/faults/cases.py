"""The fault table: what is done to the platform, and what must come of it. Numbers are names: a test that is called
``test_<number>_...`` (or ``test_<number>_<number>_...``) injects that fault."""

from __future__ import annotations

import re

TEST_NAME = re.compile(r"test_((?:\d+_)+)")

CASES = {
    1: "the renderer is killed",
    2: "the worker is killed in mid-job",
    3: "a sentence that always kills its renderer",
    4: "an idle worker is killed",
    5: "the parent of all workers is killed",
    6: "TERM to the whole process group",
    7: "TERM with a backlog",
    8: "a long call into C that ignores signals",
    9: "code that swallows every exception",
    10: "the renderer has started processes when its time is up",
    11: "the renderer is stopped (SIGSTOP)",
    12: "a supervisor is stopped past its lease and comes back",
    13: "many claim at once",
    14: "two reports of the same clip at once",
    15: "the publisher dies between the files and the commit",
    16: "the publisher dies between the commit and the notification",
    17: "a job is cancelled at any moment",
    18: "ten parallel requests with one idempotency key",
    19: "the text is edited in mid-render",
    20: "the transaction that asked is rolled back",
    21: "too little memory for a clip",
    22: "CUDA runs out of memory",
    23: "the disk is full",
    24: "the media folder is read-only",
    25: "a model file is cut, flipped or gone",
    26: "a checkpoint that is a pickle with a payload",
    27: "SQLite is locked exclusively for 30 s",
    28: "a queue task fails, or its result cannot be saved",
    29: "PostgreSQL is killed and started again",
    30: "Redis is killed and comes back empty",
    31: "the bucket answers 500, slowly, or cuts off",
    32: "a clock is off by an hour",
    33: "64 open files are the limit",
    34: "500 jobs of two teachers",
    35: "1,000 sockets with slow readers",
    36: "the web process is killed under open sockets",
    37: "settings under which jobs would run twice",
    46: "passwords are guessed from one address under forged ones",
    52: "messages and rows of another release",
    50: "consent is withdrawn in mid-render",
    53: "a body without end, with a length and chunked",
    54: "a file that is cheap to send and dear to decode",
    55: "a file on which a decoder crashes",
    58: "a student asks for what the teacher has not published",
    59: "a portrait or a voice is withdrawn before, during and after a render",
    60: "a lesson, a job, a course or an account is deleted",
    62: "the cache is beyond its limit, the disk is nearly full",
    65: "the database is read-only, locked or its disk full",
    56: "everything is off for longer than a job's time limit, and starts again with a clock an hour ahead",
    57: "a video with still pictures is finished for a lesson that has a complete one",
    61: "recordings of an hour are uploaded while others render",
    63: "bytes of a cached clip are flipped, cut or exchanged, or the files of a video are deleted",
    64: "rows that should not exist: without their attempt, without clips, in the state of a newer release",
    66: "half-sent requests at a limit of 1,024 open files",
    67: "a renderer is killed six times in 18 s, TERM to everything, the disk is full for 6 s",
}


def cases_of(test_name: str) -> list[int]:
    """The cases that a test is named after: ``test_8_9_10_a_clip_...`` -> 8, 9, 10."""
    match = TEST_NAME.match(test_name)
    return [int(number) for number in match[1].split("_") if number] if match else []
