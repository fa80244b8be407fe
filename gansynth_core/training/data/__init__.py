"""Where notes come from, and the prepared set that training reads.

dataset.py    the set on disk, read
prepare.py    the set on disk, made; workers.py has the processes that share the work
source.py     what a source of notes is
soundfont.py  General MIDI soundfonts, rendered by fluidsynth
nsynth.py     the NSynth dataset
folder.py     a folder of WAV files
engine.py     what a synthesizer is as a source; fm.py, zyn.py, csound.py, sonicpi.py, whysynth.py and amsynth.py (the
              last two in the host dssi.py) have one each; isolated.py lets them crash
audition.py   which of a synthesizer's programs are worth learning; features.py measures them
choose.py     instruments that differ, out of those auditioned, and their names
synthesizers.py  notes of what was chosen
labels.py     do the notes have the pitches they are said to have?
command.py    python -m gansynth_core data
"""
