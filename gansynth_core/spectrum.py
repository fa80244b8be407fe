"""How far apart two notes' spectra are."""

import torch
from torch import Tensor

from gansynth_core.specgram import Representation

FLOOR_DB = -80.0  # below the real note's loudest bin: no ear would find anything there
FRAME_DB = -60.0  # a frame whose loudest bin is lower, in both notes, is a rest


def levels_db(wave: Tensor, spec: Representation) -> Tensor:
    """wave float [batch, samples] -> STFT magnitude in dB [batch, frames, bins], each note scaled to an RMS of 1
    over its whole length, so that loudness does not count as a difference."""
    rms = wave.square().mean(dim=1, keepdim=True).sqrt().clamp_min(1e-9)
    return 20 * spec.stft(wave / rms).abs().clamp_min(1e-9).log10()


def log_spectral_distance(real: Tensor, other: Tensor) -> Tensor:
    """How far `other` is from `real`, both dB [batch, frames, bins] from `levels_db`: dB [batch].

    Per frame the root mean square over all bins of the difference in dB (Gray & Markel 1976, IEEE ASSP-24), both
    floored 80 dB below the real note's loudest bin; then the mean over the frames in which one of the two sounds (a bin
    above -60 dB). Two draws of one noise are 7.9 dB apart: ln(Rayleigh) has a spread of pi / sqrt(24) nepers.
    """
    peak = real.amax(dim=(1, 2), keepdim=True)
    real, other = (torch.maximum(levels - peak, torch.full_like(peak, FLOOR_DB)) for levels in (real, other))
    sounding = torch.maximum(real, other).amax(dim=2) > FRAME_DB
    per_frame = (real - other).square().mean(dim=2).sqrt()
    return (per_frame * sounding).sum(dim=1) / sounding.sum(dim=1).clamp_min(1)
