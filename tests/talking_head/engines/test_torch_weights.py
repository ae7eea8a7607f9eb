"""What is said of weight files that are wrong. (That they are noticed is tested with the engines that read them.)"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("torch")

from talking_head.checkpoints.manifest import load_manifest
from talking_head.engines.torch_weights import WeightFile


@pytest.mark.parametrize(
    ("owner", "name", "files_of_the_engine"),
    [("SadTalker", "mapping_00229-model.pth.tar", 4), ("GFPGAN", "GFPGANv1.4.pth", 1)],
)
def test_the_command_in_a_hint_fetches_what_is_needed_and_no_more(
    owner: str, name: str, files_of_the_engine: int
) -> None:
    file = WeightFile(owner, Path("checkpoints", name))
    for error, count in (
        (file.missing(), files_of_the_engine),
        (file.corrupt("cut short"), 1),
        (file.foreign("other tensors"), 1),
    ):
        fetched = [one.file for one in load_manifest().named(re.findall(r"--only (\S+)", error.hint))]
        assert name in fetched
        assert len(fetched) == count
