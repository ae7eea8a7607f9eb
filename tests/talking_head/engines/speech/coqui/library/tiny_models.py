"""Models of the library's own classes with made-up weights: they speak gibberish, but they load and speak for real."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models

from talking_head.engines.speech.coqui.library import tts_class

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SPEAKERS = ("Ana Florence", "Damien Black")
# Threads that wait for each other while other tests use the processor make small networks forty times slower.
torch.set_num_threads(1)

CHANNELS = 32  # of the network that chooses sounds; the official one has 1,024


def write_vits(folder: Path, *, language: str = "en-us", **config_values: Any) -> Path:
    """A single-speaker, character-based VITS model: 0.26 million numbers instead of 83."""
    tts_class()
    from TTS.tts.configs.shared_configs import CharactersConfig
    from TTS.tts.configs.vits_config import VitsArgs, VitsConfig
    from TTS.tts.models.vits import Vits

    sizes = VitsArgs(
        num_chars=60, hidden_channels=16, hidden_channels_ffn_text_encoder=32, num_heads_text_encoder=2,
        num_layers_text_encoder=1, num_layers_posterior_encoder=1, num_layers_flow=1,
        upsample_initial_channel_decoder=16, use_sdp=False, init_discriminator=False,
    )  # fmt: skip
    characters = CharactersConfig(
        characters_class="TTS.tts.models.vits.VitsCharacters", pad="_", bos="", eos="", blank="~",
        characters=LETTERS, punctuations="!'(),-.:;? ", phonemes="",
    )  # fmt: skip
    config = VitsConfig(
        model_args=sizes, characters=characters, use_phonemes=False, text_cleaner="basic_cleaners",
        phoneme_language=language, **config_values,
    )  # fmt: skip
    torch.manual_seed(1)
    model = Vits(config)
    torch.nn.init.constant_(model.duration_predictor.proj.bias, 1.5)  # letters that last as long as spoken ones
    folder.mkdir(parents=True)
    model.config.save_json(str(folder / "config.json"))
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    return folder


def write_xtts(checkpoints_dir: Path) -> Path:
    """XTTS with one narrow layer, in the format of the official file: with its configuration as objects inside."""
    tts_class()
    from TTS.tts.configs.xtts_config import XttsArgs, XttsConfig
    from TTS.tts.models.xtts import Xtts, _legacy_safe_globals

    folder = checkpoints_dir / "xtts_v2"
    folder.mkdir(parents=True)
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / "vocab.json"))
    sizes = XttsArgs(
        gpt_layers=1, gpt_n_model_channels=CHANNELS, gpt_n_heads=2, gpt_max_audio_tokens=60, gpt_num_audio_tokens=34,
        gpt_start_audio_token=32, gpt_stop_audio_token=33, gpt_use_perceiver_resampler=True, decoder_input_dim=CHANNELS,
        gpt_number_text_tokens=tokenizer.get_vocab_size(), gpt_start_text_token=3, gpt_stop_text_token=0,
    )  # fmt: skip
    config = XttsConfig(model_args=sizes)
    torch.manual_seed(1)
    model = Xtts(config)
    config.save_json(str(folder / "config.json"))
    with _legacy_safe_globals():
        torch.save({"model": model.state_dict(), "config": config}, folder / "model.pth")
    speakers = {
        name: {"gpt_cond_latent": torch.randn(1, 32, CHANNELS), "speaker_embedding": torch.randn(1, 512, 1)}
        for name in SPEAKERS
    }
    torch.save(speakers, folder / "speakers_xtts.pth")
    for path in list(folder.iterdir()):
        vouch_for(path)
    return folder


def vouch_for(path: Path) -> None:
    """Weights of one's own under an official name need their digest beside them."""
    path.with_name(f"{path.name}.sha256").write_text(hashlib.sha256(path.read_bytes()).hexdigest())


def _tokenizer() -> Any:
    special = ["[STOP]", "[UNK]", "[SPACE]", "[START]", "[en]", "[de]"]
    vocabulary = {token: number for number, token in enumerate([*special, *LETTERS, *",.!?'-"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="[UNK]"))
    tokenizer.add_special_tokens(special)
    return tokenizer
