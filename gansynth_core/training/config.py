"""The settings of a training run: one frozen dataclass for each way to train. recipes.py has the values in use."""

import dataclasses
import math
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from gansynth_core.errors import InputError, nearest
from gansynth_core.specgram import MelSpecgramSpec, SpecgramSpec

#: What the studio model hears and plays: 4 s at 24 kHz as 128 frames of 1536 bins.
STUDIO_SPEC = SpecgramSpec(
    sample_rate=24000,
    samples=96000,
    n_fft=3072,
    hop=768,
    pad_front=2304,
    pad_back=2304,
    log_magnitude_low=-6.2,
    log_magnitude_high=6.6,
)

#: What Magenta's GANSynth hears and plays: 4 s at 16 kHz as 128 frames of 1024 mel bins. The normalizer is the one its
#: models have by default (magenta/models/gansynth/lib/model.py, set_flags).
MAGENTA_SPEC = MelSpecgramSpec(
    sample_rate=16000,
    samples=64000,
    n_fft=2048,
    hop=512,
    pad_front=3072,
    normalizer=((0.0661371661726, 0.113718730221, 0.8, 0.0),),
)

#: The same at 48 kHz: the same frames and the same 1536 bins with the same numbers in them, and 1536 bins above. A
#: window of twice as many samples has twice the magnitude, hence the ln 2.
STUDIO_WIDE_SPEC = SpecgramSpec(
    sample_rate=48000,
    samples=192000,
    n_fft=6144,
    hop=1536,
    pad_front=4608,
    pad_back=4608,
    log_magnitude_low=STUDIO_SPEC.log_magnitude_low + math.log(2),
    log_magnitude_high=STUDIO_SPEC.log_magnitude_high + math.log(2),
)

#: By the names that `data --spec` knows.
SPECS: dict[str, SpecgramSpec | MelSpecgramSpec] = {
    "studio": STUDIO_SPEC,
    "studio-wide": STUDIO_WIDE_SPEC,
    "magenta": MAGENTA_SPEC,
}


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """What every family is told: everything besides the data that decides the outcome of a run. Lengths of training
    are in notes seen, whatever the batch.

    model: id and title of the result. notes: training notes to see. batch: notes a step, those of all processes.
    precision: "bf16" (autocast; also the faster one on recent CPUs) or "fp32", where the family allows it.
    first_share: of sets that are learned from together, the share of a batch that comes from the first; of the others,
        every instrument comes as often as any other.
    snapshot_notes: notes from one snapshot to the next. checkpoint_minutes: from one saved state to the next.
    """

    family: ClassVar[str]
    spec_name: ClassVar[str]  # which of SPECS its sets are made with
    precisions: ClassVar[tuple[str, ...]]
    learns_layers: ClassVar[bool] = False  # whether notes of two instruments are trained on, too

    model: str
    latent_size: int
    notes: int
    batch: int
    learning_rate: float
    precision: str
    snapshot_notes: int
    seed: int = 0
    first_share: float = 0.35
    checkpoint_minutes: float = 5.0

    def __post_init__(self) -> None:
        if self.precision not in self.precisions:
            choice = " or ".join(self.precisions)
            raise InputError(f"The family '{self.family}' has no precision '{self.precision}'. Choose {choice}.")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", self.model):
            raise InputError(f"'{self.model}' cannot name a model. Use letters, digits, _ and - only.")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int) and value < 1 and field.name not in _MAY_BE_ZERO:
                raise InputError(f"Training option '{field.name}' must be at least 1, not {value}.")
            if isinstance(value, int | float) and not 0 <= value < math.inf:  # also refuses NaN
                raise InputError(f"Training option '{field.name}' must be a number of at least 0, not {value:g}.")
        if self.first_share > 1:
            raise InputError(f"Training option 'first_share' must be at most 1, not {self.first_share:g}.")

    def replace(self, **changes: object) -> Self:
        """A copy with `changes`; unknown names and values of another type raise InputError."""
        fields = {f.name: f.type for f in dataclasses.fields(self)}
        for name, value in changes.items():
            if name not in fields:
                raise InputError(f"There is no training option '{name}'.{nearest(name, fields)}")
            current = getattr(self, name)
            if isinstance(current, float) and isinstance(value, int):
                changes[name] = value = float(value)
            if type(value) is not type(current):
                raise InputError(f"Training option '{name}' must be {_KINDS[type(current)]}, not {value!r}.")
        known: Any = changes
        return dataclasses.replace(self, **known)

    def to_json(self) -> dict[str, Any]:
        return {"family": self.family} | dataclasses.asdict(self)


_KINDS = {int: "a whole number", float: "a number", str: "a word"}
_MAY_BE_ZERO = ("seed", "warmup_notes", "critic_notes")


@dataclass(frozen=True, kw_only=True)
class StudioConfig(TrainConfig):
    """What both stages of a studio model are told.

    The learning rate rises over `warmup_notes` and falls linearly over the last `decay_share` of the run (schedule.py).
    tonality_weight, band_weight: of these terms of the loss of reconstruction (losses.py); each bin's level has 1.
    ema_notes: half-life of the averaged weights that snapshots hold.
    """

    family = "studio"
    spec_name = "studio"
    precisions = ("bf16", "fp32")

    latent_size: int = 512
    precision: str = "bf16"
    warmup_notes: int
    decay_share: float = 0.4
    tonality_weight: float = 0.5
    band_weight: float = 1.0
    ema_notes: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.decay_share > 1:
            raise InputError(f"Training option 'decay_share' must be at most 1, not {self.decay_share:g}.")


@dataclass(frozen=True, kw_only=True)
class ReconstructionConfig(StudioConfig):
    """The first stage of a studio model: generator and encoder learn to reconstruct notes.

    channels, features, bands, functions: see StudioGenerator.
    judged_frames: how many frames of each note the loss looks at, drawn anew each step, the attack more often than the
        tail. All frames are grown, but spectra are by far the largest arrays, and neighbouring frames teach the same.
    kl_nats: information that a note may hand its latent free of charge, in nats; kl_weight: of what goes beyond. Enough
        for what varies within an instrument, and little enough that latents drawn from the (fitted) prior sound as good
        as those of real notes.
    instrument_weight: of the encoder's cross-entropy on the instruments.
    """

    learns_layers = True

    model: str = "studio"
    channels: int = 512
    features: int = 384
    bands: int = 64
    functions: int = 8
    notes: int = 400_000
    batch: int = 16
    learning_rate: float = 1e-3
    warmup_notes: int = 4_000
    judged_frames: int = 48
    kl_nats: float = 40.0
    kl_weight: float = 0.02
    instrument_weight: float = 0.2
    ema_notes: int = 8_000
    snapshot_notes: int = 50_000


@dataclass(frozen=True, kw_only=True)
class MagentaConfig(TrainConfig):
    """Magenta's GANSynth from scratch; the defaults are the original's (magenta/models/gansynth/configs/
    mel_prog_hires.py, lib/model.py), whose images are our notes.

    fmap_base, fmap_max, num_resolutions: see MagentaGenerator. stable_notes, fade_notes: lengths of the stages in turn,
        a size of picture held and the next one faded in; the last stage takes what is left of `notes`.
    group: notes that the discriminator compares with each other, whatever the batch and the number of processes.
    average_decay: share of the averaged weights that a step keeps.
    gradient_weight, gradient_target: of the gradient penalty, in units of the data that are not normalised.
    real_score_weight: of the squared scores of real notes. pitch_weight, instrument_weight: of the auxiliary
        classifications. At 0, as in the original, a network is told nothing of instruments.
    There is no bf16: the gradient penalty differentiates twice.
    """

    family = "magenta"
    spec_name = "magenta"
    precisions = ("fp32",)

    model: str = "magenta"
    latent_size: int = 256
    fmap_base: int = 4096
    fmap_max: int = 256
    num_resolutions: int = 7
    notes: int = 11_000_000
    stable_notes: int = 800_000
    fade_notes: int = 800_000
    batch: int = 8
    group: int = 8
    learning_rate: float = 8e-4
    average_decay: float = 0.999
    gradient_weight: float = 10.0
    gradient_target: float = 1.0
    real_score_weight: float = 1e-3
    pitch_weight: float = 10.0
    instrument_weight: float = 0.0
    precision: str = "fp32"
    snapshot_notes: int = 200_000

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2 <= self.num_resolutions <= 16 or self.fmap_base >> self.num_resolutions < 1:
            raise InputError("'num_resolutions' must be 2 to 16, and 'fmap_base' at least 2 to the power of it.")
        if self.batch % self.group:
            raise InputError(
                f"A batch of {self.batch} notes does not split into groups of {self.group}. Change 'batch' or 'group'."
            )
        if self.average_decay >= 1 or self.gradient_target == 0:
            raise InputError("Training option 'average_decay' must be below 1, and 'gradient_target' above 0.")


@dataclass(frozen=True, kw_only=True)
class AdversarialConfig(StudioConfig):
    """The adversarial stage of a studio model. Sizes of the networks come from the model we begin with.

    texture: see StudioGenerator; for a model that has none yet. critic_width, group: see StudioCritic.
    grow_notes: notes after which the critic listens to the next finer stage, each time.
    critic_steps: of the critic for each of the generator's. critic_notes: for these the critic learns alone; only then
        does the generator's learning rate begin to rise.
    rebuilt_share: share of a batch that is made through the encoder. reconstruction_weight: of the loss of the first
        stage on these. At 1 its gradient is a third of that of a critic of slope 1.
    naming_weight: of the generator's cross-entropy on instrument and pitch as the critic hears them. At 0.02 its
        gradient is a sixth of that; at 0.04 made notes soon became easier to name than real ones.
    critic_naming_weight: of the critic's cross-entropy on real notes.
    gradient_weight: of the penalty on slopes other than 1, in the units of StudioCritic.slope_units. A critic of slope
        1 sees a distance of a few hundredths; at the paper's weight of 10 the penalty would be all that is learned.
    real_score_weight: of the squared scores of real notes.
    clip: longest gradient of a step.
    """

    model: str = "studio-gan"
    texture: int = 8
    critic_width: int = 96
    group: int = 2
    grow_notes: int = 1_500
    notes: int = 52_000
    batch: int = 32
    learning_rate: float = 1e-4
    critic_learning_rate: float = 1e-3
    critic_notes: int = 8_000
    critic_steps: int = 4
    warmup_notes: int = 3_000
    rebuilt_share: float = 0.25
    reconstruction_weight: float = 1.0
    naming_weight: float = 0.02
    critic_naming_weight: float = 0.01
    gradient_weight: float = 0.15
    real_score_weight: float = 1e-3
    clip: float = 5.0
    ema_notes: int = 6_000
    snapshot_notes: int = 12_000

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.group < 2 or self.batch % self.group:
            raise InputError(
                f"A batch of {self.batch} notes does not split into groups of {self.group}, of 2 notes or more."
            )
        if not self.group <= self.rebuilt <= self.batch:
            raise InputError("Training option 'rebuilt_share' must be at most 1, and come to a group of notes or more.")

    @property
    def rebuilt(self) -> int:
        """Notes of a batch that are made through the encoder: whole groups."""
        return round(self.rebuilt_share * self.batch / self.group) * self.group


@dataclass(frozen=True, kw_only=True)
class TextureConfig(StudioConfig):
    """The textures stage of a studio model. Sizes of the generator come from the model we begin with.

    texture: see StudioGenerator; for a model that has none yet. texture_speed: how much faster these weights learn than
        the others, which have learned already. fine_width, slow_width: see PatchCritics.
    critic_notes: for these the critics learn alone; only then does the generator's learning rate begin to rise.
    attack_share: share of the steps in which the fine critic looks at the beginning of the notes.
    adversarial_weight, matching_weight, reconstruction_weight, guard_weight: of the parts of the generator's loss.
    clip: longest gradient of a step.
    """

    model: str = "studio-textures"
    texture: int = 8
    texture_speed: float = 10.0
    fine_width: int = 24
    slow_width: int = 32
    notes: int = 60_000
    batch: int = 16
    learning_rate: float = 5e-5
    critic_learning_rate: float = 5e-4
    critic_notes: int = 1_600
    warmup_notes: int = 1_600
    decay_share: float = 0.2
    attack_share: float = 0.4
    adversarial_weight: float = 0.1
    matching_weight: float = 1.0
    reconstruction_weight: float = 1.0
    guard_weight: float = 1.0
    clip: float = 5.0
    ema_notes: int = 2_200
    snapshot_notes: int = 10_000

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch % 2:
            raise InputError(f"A batch of {self.batch} notes has no half to rebuild. Make 'batch' even.")
        if self.attack_share > 1:
            raise InputError(f"Training option 'attack_share' must be at most 1, not {self.attack_share:g}.")


@dataclass(frozen=True, kw_only=True)
class UpperConfig(StudioConfig):
    """The upper half of a 48 kHz studio model, trained alone. Sizes of the rest come from the model we begin with.

    upper_bands: see WideStudioGenerator. judged_frames: as of ReconstructionConfig.
    """

    spec_name = "studio-wide"

    model: str = "studio-48k"
    upper_bands: int = 12
    notes: int = 60_000
    batch: int = 16
    learning_rate: float = 1e-3
    warmup_notes: int = 1_000
    judged_frames: int = 48
    ema_notes: int = 4_000
    snapshot_notes: int = 20_000
