"""MIDI files played by a model: `python -m gansynth_core render-midi`, and Song on the page.

smf.py        the events of a MIDI file, and what is repaired in it
note_offs.py  the ends of notes that a file owes
song.py       which notes a MIDI file has, from when to when, and how loud
timbres.py    timbres by name, at random, and as a path along a song
render.py     all of it, mixed to one sound
command.py    the command line
"""
