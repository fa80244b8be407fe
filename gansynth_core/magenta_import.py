"""Magenta's released checkpoints -> a model that the studio plays: `import-magenta acoustic_only.zip --name acoustic`.

A checkpoint is a folder or zip with `experiment.json`, `stage_000NN/` (a TensorFlow checkpoint each) and, for two of
the three normalizers, `assets/`. The generator's averaged variables become the weights; all others are known by name
and left out on purpose. Anything unknown is refused, so that no model is imported that would sound different.
"""

import argparse
import io
import json
import math
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections import Counter
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray

from gansynth_core.cards import BUNDLED_MODELS, MODELS_VARIABLE, ModelCard, save_model
from gansynth_core.errors import InputError, ModelError
from gansynth_core.generators.magenta import MagentaGenerator, progress_after
from gansynth_core.specgram import MelSpecgramSpec
from gansynth_core.tensor_bundle import INDEX_LIMIT, TensorBundle

LATENT_LIMIT, WIDTH_LIMIT = 4096, 4096  # far more than Magenta ever trained
TEXT_LIMIT = 1 << 20  # bytes of experiment.json and the small files beside it
FILE_LIMIT = 4 << 30  # bytes; the largest file of a released checkpoint has 300 million
FILES_LIMIT = 10_000
BOMB_BYTES, BOMB_RATIO = 32 << 20, 100  # learned numbers never compress to a hundredth

PITCH_LOW, PITCHES = 24, 61  # the keys of NSynth that GANSynth was trained on

# What every checkpoint must have been trained with, and the defaults for what experiment.json leaves out
# (model.set_flags).
FIXED: dict[str, Any] = {
    "data_type": "mel",
    "audio_length": 64000,
    "sample_rate": 16000,
    "g_fn": "specgram",
    "kernel_size": 3,
    "scale_mode": "ALL",
    "scale_base": 2,
    "num_resolutions": 7,
    "start_height": 2,
    "start_width": 16,
    "simple_arch": False,
    "to_rgb_activation": "tanh",
    "fmap_decay": 1.0,
    "train_time_limit": None,
}
DEFAULTS: dict[str, Any] = {
    **FIXED,
    "start_height": 4,
    "start_width": 8,
    "data_normalizer": "specgrams_prespecified_normalizer",
    "mag_normalizer_a": 0.0661371661726,
    "mag_normalizer_b": 0.113718730221,
    "p_normalizer_a": 0.8,
    "p_normalizer_b": 0.0,
    "latent_vector_size": 256,
    "fmap_base": 512,
    "fmap_max": 128,
    "train_progressive": True,
}

_BLOCK = r"progressive_gan_block_\d+"
_GENERATOR = rf"Generator/progressive_gan_generator/{_BLOCK}/(?:conv0|conv1|to_rgb)/(?:conv2d/kernel|bias)"
_DISCRIMINATOR = (
    rf"Discriminator/progressive_gan_discriminator/{_BLOCK}/(?:(?:from_rgb|conv0|conv1)/(?:conv2d/kernel|bias)"
    r"|logits/(?:dense/kernel|bias))|Discriminator/discriminator_cond/classification_logits/(?:dense/kernel|bias)"
)
# What is left out on purpose, and how the card says so.
DROPPED = {
    "generator, not averaged": _GENERATOR,
    "discriminator": _DISCRIMINATOR,
    "optimizer": rf"progressive_gan_train_ops/(?:(?:{_GENERATOR}|{_DISCRIMINATOR})/Adam(?:_1)?"
    r"|(?:generator|discriminator)_train/beta[12]_power)",
    "training time": "Variable",
}
_AVERAGED = "/ExponentialMovingAverage"


def import_magenta(source: str | os.PathLike[str], out_folder: str | os.PathLike[str], model_id: str) -> ModelCard:
    """Make `out_folder`/`model_id` from the checkpoint in `source`, a folder or zip with `experiment.json` at its top
    or one level below. Returns the card. Takes the last stage, as Magenta does, faded in as far as it was.

    Raises InputError for a name that is impossible or taken, and ModelError for a checkpoint that is incomplete,
    damaged or of another network; then nothing is left behind.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", model_id):
        raise InputError(f"'{model_id}' cannot be a model's name. Use up to 64 letters, digits, '-', '_' and '.'.")
    target = Path(out_folder) / model_id
    if target.exists():
        raise InputError(f"'{target}' already exists. Choose another name.")
    with ExitStack() as stack:
        try:
            files = _open(Path(source), stack)
            card, weights = _read_checkpoint(files, model_id)
        except OSError as cause:
            raise ModelError(f"Cannot read '{source}': {cause.strerror or cause}.") from cause
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as cause:
            raise ModelError(f"The zip file '{source}' is damaged: {cause}") from cause
    return _save(target, card, weights)


def _save(target: Path, card: ModelCard, weights: dict[str, NDArray[Any]]) -> ModelCard:
    """Write the model to a folder beside its place, then rename the folder into place."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            card = save_model(partial, card, weights)
            partial.chmod(0o755)  # mkdtemp's 0700 would hide the model from other users
            partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as cause:
        raise ModelError(f"Cannot write '{target}': {cause.strerror or cause}.") from cause
    return card


# --- folder or zip ----------------------------------------------------------------------------------------------------


class _Folder:
    """The files of a folder, by their paths below the checkpoint's root."""

    def __init__(self, root: Path) -> None:
        found = [root / "experiment.json", *sorted(root.glob("*/experiment.json"))]
        found = [path for path in found if path.is_file()]
        _check_one([str(path) for path in found], root)
        self._top = found[0].parent
        self.names = {
            str(PurePosixPath(path.relative_to(self._top)))
            for pattern in ("*", "stage_*/*", "assets/*")
            for path in self._top.glob(pattern)
            if path.is_file()
        }

    def read(self, name: str, offset: int, size: int) -> bytes:
        with open(self._top / name, "rb") as file:
            file.seek(offset)
            return file.read(size)


class _Zip:
    """The files of a zip, by their paths below the checkpoint's root. They are never unpacked onto the disk."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        members = archive.infolist()
        if len(members) > FILES_LIMIT:
            raise ModelError(f"'{path}' holds {len(members)} files, far more than a checkpoint.")
        for member in members:
            name = member.filename.replace("\\", "/")
            if name.startswith("/") or ":" in name or ".." in name.split("/"):
                raise ModelError(f"'{path}' holds the path '{member.filename}', which leads outside it.")
            bomb = member.file_size > BOMB_BYTES and member.file_size > BOMB_RATIO * max(1, member.compress_size)
            if bomb or member.file_size > FILE_LIMIT:
                raise ModelError(f"'{member.filename}' in '{path}' unpacks to more than a checkpoint can hold.")
            if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ModelError(f"'{path}' has a password or a rare kind of compression. Make a plain zip file of it.")
        files = {member.filename: member for member in members if not member.is_dir()}
        found = [
            name for name in files if PurePosixPath(name).name == "experiment.json" and not name.startswith("__MACOSX")
        ]
        _check_one(found, path)
        top = found[0].removesuffix("experiment.json")
        self._archive = archive
        self._members = {name.removeprefix(top): member for name, member in files.items() if name.startswith(top)}
        self.names = set(self._members)
        self._open: tuple[str, IO[bytes]] | None = None

    def read(self, name: str, offset: int, size: int) -> bytes:
        opened = self._open  # kept open: seeking forwards only unpacks what lies between
        if opened is None or opened[0] != name:
            opened = self._open = name, self._archive.open(self._members[name])
        file = opened[1]
        file.seek(min(offset, self._members[name].file_size))
        return file.read(size)


def _check_one(found: list[str], source: Path) -> None:
    if not found:
        raise ModelError(f"There is no experiment.json in '{source}', so it is not a checkpoint of Magenta's GANSynth.")
    if len(found) > 1:
        raise ModelError(f"'{source}' holds several checkpoints ({', '.join(found)}). Name one of them.")


def _open(source: Path, stack: ExitStack) -> _Folder | _Zip:
    if source.is_dir():
        return _Folder(source)
    if not source.is_file():
        raise ModelError(f"There is no folder or zip file '{source}'.")
    try:
        archive = stack.enter_context(zipfile.ZipFile(source))
    except (zipfile.BadZipFile, OSError) as cause:
        raise ModelError(f"'{source}' is neither a folder nor a readable zip file.") from cause
    return _Zip(archive, source)


def _read_whole(files: _Folder | _Zip, name: str, limit: int) -> bytes:
    if name not in files.names:
        raise ModelError(f"The checkpoint lacks the file '{name}'.")
    data = files.read(name, 0, limit + 1)
    if len(data) > limit:
        raise ModelError(f"The checkpoint's file '{name}' is too large.")
    return data


# --- what the checkpoint says -----------------------------------------------------------------------------------------


def _read_checkpoint(files: _Folder | _Zip, model_id: str) -> tuple[ModelCard, dict[str, NDArray[Any]]]:
    flags = _flags(files)
    stage, prefix = _last_checkpoint(files)

    def read(ending: str, offset: int, size: int) -> bytes:
        if prefix + ending not in files.names:
            raise ModelError(f"The checkpoint lacks the file '{prefix + ending}'.")
        return files.read(prefix + ending, offset, size)

    bundle = TensorBundle(_read_whole(files, prefix + ".index", INDEX_LIMIT), read)
    dropped = _sort_out(bundle)
    images = int(bundle.tensor("global_step", ()))
    num_blocks = min((stage + 1) // 2 + 1, flags["num_resolutions"])
    generator = {
        "fmap_base": flags["fmap_base"],
        "fmap_max": flags["fmap_max"],
        "num_resolutions": flags["num_resolutions"],
        "num_blocks": num_blocks,
        "progress": _progress(images, num_blocks, flags),
        "pitch_low": PITCH_LOW,
        "pitches": PITCHES,
    }
    spec = MelSpecgramSpec(
        sample_rate=flags["sample_rate"],
        samples=flags["audio_length"],
        n_fft=2048,
        hop=512,
        pad_front=3072,
        normalizer=_normalizer(files, flags),
    )
    with torch.device("meta"):  # only its shapes are needed
        network = MagentaGenerator(spec, 0, flags["latent_vector_size"], **generator)
    weights = _weights(bundle, network)
    card = ModelCard(
        id=model_id,
        title=model_id,
        family="magenta",
        latent_size=flags["latent_vector_size"],
        pitch_low=PITCH_LOW,
        pitch_high=PITCH_LOW + PITCHES - 1,
        instruments=(),
        specgram=spec,
        generator=generator,
        provenance="imported from a checkpoint of Magenta's GANSynth",
        training={"images": images, "stage": stage, "dropped_variables": dropped},
    )
    return card, weights


def _flags(files: _Folder | _Zip) -> dict[str, Any]:
    """experiment.json over Magenta's defaults. Raises ModelError for another network or an impossible one."""
    try:
        document = json.loads(_read_whole(files, "experiment.json", TEXT_LIMIT))
    except (ValueError, RecursionError) as cause:
        raise ModelError("The checkpoint's experiment.json is not readable JSON.") from cause
    if not isinstance(document, dict):
        raise ModelError("The checkpoint's experiment.json does not hold settings by name.")
    flags = DEFAULTS | document
    for name, value in FIXED.items():
        if flags.get(name) != value:
            raise ModelError(
                f"The checkpoint was trained with {name} = {json.dumps(flags.get(name))}. "
                f"Only {json.dumps(value)} can be imported."
            )
    _check_whole(flags, "latent_vector_size", LATENT_LIMIT)
    _check_whole(flags, "fmap_max", WIDTH_LIMIT)
    _check_whole(flags, "fmap_base", 1 << 20)
    if flags["train_progressive"]:
        _check_whole(flags, "stable_stage_num_images", 1 << 40)
        _check_whole(flags, "transition_stage_num_images", 1 << 40)
    if flags["fmap_base"] >> flags["num_resolutions"] < 1:
        raise ModelError(f"The checkpoint was trained with fmap_base = {flags['fmap_base']}, which is too small.")
    return flags


def _check_whole(flags: dict[str, Any], name: str, limit: int) -> None:
    value = flags.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= limit:
        raise ModelError(f"The checkpoint's experiment.json says {name} = {json.dumps(value)}, which is impossible.")


def _last_checkpoint(files: _Folder | _Zip) -> tuple[int, str]:
    """Number of the last stage, and the path of its checkpoint without its endings."""
    stages = {match[0] for name in files.names if (match := re.match(r"stage_\d{1,9}(?=/)", name))}
    if not stages:
        raise ModelError("The checkpoint has no stage_* folder.")
    folder = max(stages)
    text = _read_whole(files, f"{folder}/checkpoint", TEXT_LIMIT).decode("utf-8", "replace")
    path = re.search(r'^\s*model_checkpoint_path\s*:\s*"([^"\n]+)"', text, re.MULTILINE)
    if not path:
        raise ModelError(f"The file '{folder}/checkpoint' names no checkpoint.")
    # The path is often from the machine that trained it; the file itself lies in this folder.
    name = re.split(r"[/\\]", path[1])[-1]
    return int(folder.removeprefix("stage_")), f"{folder}/{name}"


def _progress(images: int, num_blocks: int, flags: dict[str, Any]) -> float:
    """How far the network had grown after `images` training images."""
    if not flags["train_progressive"]:
        return num_blocks - 1.0
    return progress_after(images, num_blocks, flags["stable_stage_num_images"], flags["transition_stage_num_images"])


def _normalizer(files: _Folder | _Zip, flags: dict[str, Any]) -> tuple[tuple[float, float, float, float], ...]:
    """Rows of MelSpecgramSpec.normalizer, from experiment.json or the file in assets/."""
    name = flags["data_normalizer"]
    if name == "specgrams_prespecified_normalizer":
        rows = [[flags[key] for key in ("mag_normalizer_a", "mag_normalizer_b", "p_normalizer_a", "p_normalizer_b")]]
        if not all(isinstance(x, int | float) and math.isfinite(x) for x in rows[0]):
            raise ModelError("The checkpoint's experiment.json gives normalizer constants that are not numbers.")
    elif name in ("specgrams_simple_normalizer", "specgrams_freq_normalizer"):
        path = f"assets/{name}.npz"
        try:
            with np.load(io.BytesIO(_read_whole(files, path, TEXT_LIMIT)), allow_pickle=False) as arrays:
                rows = np.atleast_2d(arrays["normalizer"]).astype(np.float64).tolist()
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as cause:
            raise ModelError(f"The checkpoint's file '{path}' is damaged.") from cause
    else:
        raise ModelError(f"The checkpoint's normalizer {json.dumps(name)} cannot be imported.")
    return tuple(tuple(row) for row in rows)


def _sort_out(bundle: TensorBundle) -> dict[str, int]:
    """How many variables are left out, by kind. Raises ModelError for an unknown one."""
    dropped: Counter[str] = Counter()
    for name in bundle.entries:
        if name == "global_step" or re.fullmatch(_GENERATOR + _AVERAGED, name):
            continue
        reasons = [reason for reason, pattern in DROPPED.items() if re.fullmatch(pattern, name)]
        if not reasons:
            raise ModelError(f"The checkpoint holds the variable '{name}', which GANSynth does not have.")
        dropped[reasons[0]] += 1
    return dict(dropped)


def _weights(bundle: TensorBundle, network: MagentaGenerator) -> dict[str, NDArray[Any]]:
    """The generator's averaged variables, named and laid out as `network` has them. Raises ModelError."""
    weights = {}
    parameters = network.state_dict()
    names = {key: _variable(key) for key in parameters}
    # In file order: going back in a zip means unpacking from the start again.
    for key in sorted(names, key=lambda key: bundle.entries[names[key]].offset if names[key] in bundle.entries else 0):
        shape = tuple(parameters[key].shape)
        kernel = len(shape) == 4  # height, width, inputs, outputs there; outputs, inputs, height, width here
        array = bundle.tensor(names[key], (shape[2], shape[3], shape[1], shape[0]) if kernel else shape)
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise ModelError(f"The variable '{names[key]}' holds values that are not finite numbers.")
        weights[key] = array.transpose(3, 2, 0, 1) if kernel else array
    surplus = sorted(name for name in bundle.entries if name.endswith(_AVERAGED) and name not in names.values())
    if surplus:
        raise ModelError(f"The checkpoint holds '{surplus[0]}', which a network of its stage does not have.")
    return weights


def _variable(key: str) -> str:
    """TensorFlow's name of the averaged variable behind a parameter such as `blocks.0.conv0.weight`."""
    _, block, layer, kind = key.split(".")
    place = f"Generator/progressive_gan_generator/progressive_gan_block_{int(block) + 1}/{layer}"
    return place + ("/conv2d/kernel" if kind == "weight" else "/bias") + _AVERAGED


# --- the command ------------------------------------------------------------------------------------------------------


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Options of `python -m gansynth_core import-magenta`."""
    command.add_argument("path", help="the checkpoint: acoustic_only.zip, all_instruments.zip or a folder")
    command.add_argument("--name", required=True, help="what to call the model")
    command.add_argument("--out", help=f"folder of models (default: what {MODELS_VARIABLE} names, else assets/models)")
    command.add_argument(
        "--no-named-sounds", action="store_true", help="skip naming sounds to choose from, which takes a minute"
    )


def run(arguments: argparse.Namespace) -> None:
    """Import, and print where the model lies and what was left out."""
    folder = Path(arguments.out or os.environ.get(MODELS_VARIABLE) or BUNDLED_MODELS)
    card = import_magenta(arguments.path, folder, arguments.name)
    kinds = ", ".join(f"{count} {kind}" for kind, count in card.training["dropped_variables"].items())
    print(f"Left out, because only training needs them: {kinds}.")
    print(folder / arguments.name)
    if not arguments.no_named_sounds:
        from gansynth_core.named_sounds import save_named_sounds

        save_named_sounds(str(folder / arguments.name))
