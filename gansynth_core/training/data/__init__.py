"""Where notes come from, and the prepared set that training reads.

dataset.py    the set on disk, read
prepare.py    the set on disk, made; workers.py has the processes that share the work
source.py     what a source of notes is
soundfont.py  General MIDI soundfonts, rendered by fluidsynth
nsynth.py     the NSynth dataset
folder.py     a folder of WAV files
labels.py     do the notes have the pitches they are said to have?
command.py    python -m gansynth_core data
"""
