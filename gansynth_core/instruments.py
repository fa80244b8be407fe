"""The 128 General MIDI instruments by the names musicians know, and their families."""

from collections.abc import Sequence

_FAMILIES = {
    "Piano": "acoustic_grand_piano bright_acoustic_piano electric_grand_piano honky_tonk_piano electric_piano_1 "
    "electric_piano_2 harpsichord clavinet",
    "Chromatic Percussion": "celesta glockenspiel music_box vibraphone marimba xylophone tubular_bells dulcimer",
    "Organ": "drawbar_organ percussive_organ rock_organ church_organ reed_organ accordion harmonica tango_accordion",
    "Guitar": "acoustic_guitar_nylon acoustic_guitar_steel electric_guitar_jazz electric_guitar_clean "
    "electric_guitar_muted overdriven_guitar distortion_guitar guitar_harmonics",
    "Bass": "acoustic_bass electric_bass_finger electric_bass_pick fretless_bass slap_bass_1 slap_bass_2 "
    "synth_bass_1 synth_bass_2",
    "Strings": "violin viola cello contrabass tremolo_strings pizzicato_strings orchestral_harp timpani",
    "Ensemble": "string_ensemble_1 string_ensemble_2 synth_strings_1 synth_strings_2 choir_aahs voice_oohs "
    "synth_voice orchestra_hit",
    "Brass": "trumpet trombone tuba muted_trumpet french_horn brass_section synth_brass_1 synth_brass_2",
    "Reed": "soprano_sax alto_sax tenor_sax baritone_sax oboe english_horn bassoon clarinet",
    "Pipe": "piccolo flute recorder pan_flute blown_bottle shakuhachi whistle ocarina",
    "Synth Lead": "lead_1_square lead_2_sawtooth lead_3_calliope lead_4_chiff lead_5_charang lead_6_voice "
    "lead_7_fifths lead_8_bass_lead",
    "Synth Pad": "pad_1_new_age pad_2_warm pad_3_polysynth pad_4_choir pad_5_bowed pad_6_metallic pad_7_halo "
    "pad_8_sweep",
    "Synth Effects": "fx_1_rain fx_2_soundtrack fx_3_crystal fx_4_atmosphere fx_5_brightness fx_6_goblins "
    "fx_7_echoes fx_8_sci_fi",
    "Ethnic": "sitar banjo shamisen koto kalimba bagpipe fiddle shanai",
    "Percussive": "tinkle_bell agogo steel_drums woodblock taiko_drum melodic_tom synth_drum reverse_cymbal",
    "Sound Effects": "guitar_fret_noise breath_noise seashore bird_tweet telephone_ring helicopter applause gunshot",
}

#: Instrument names in program order: index 0 is General MIDI program 1.
GM_INSTRUMENTS: tuple[str, ...] = tuple(name for names in _FAMILIES.values() for name in names.split())

_FAMILY_OF = {name: family for family, names in _FAMILIES.items() for name in names.split()}


def families(instruments: Sequence[str]) -> dict[str, list[str]]:
    """`instruments` by General MIDI family, in the order given; names that are not General MIDI come under 'Other'."""
    grouped: dict[str, list[str]] = {}
    for name in instruments:
        grouped.setdefault(_FAMILY_OF.get(name, "Other"), []).append(name)
    return grouped
