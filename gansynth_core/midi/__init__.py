"""MIDI files played by a model: `python -m gansynth_core midi`, and MIDI on the page.

smf.py        the events of a MIDI file, and what is repaired in it
note_offs.py  the ends of notes that a file owes
song.py       what a song is: parts, notes, levels, tunings
reading.py    MIDI files -> songs
timbres.py    timbres by name, at random, and as a path along a song
drums.py      what plays the drums of a voice without any
casting.py    which sound plays which part, and so which notes are to be made
bending.py    notes whose pitch moves
mixing.py     the notes of a part on one track, and that in stereo
mastering.py  level and sample rate of the file
stems.py      parts as files of their own
render.py     all of it: from a file to a sound
command.py    the command line
"""
