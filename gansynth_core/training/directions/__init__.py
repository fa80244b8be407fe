"""Which way to move z for a slider.

named.py          directions that do what they say (brightness, attack, ...)
known_changes.py  directions of the changes that a source made to its notes
components.py     the directions that change the sound most, named by number
command.py        the command `directions`
"""
