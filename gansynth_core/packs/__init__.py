"""Sample packs: zips of notes that samplers open (`python -m gansynth_core pack`, and Pack on the page).

plan.py            what a pack shall hold; its JSON, size and time
  items.py         the sounds and wavetables of a plan
  options.py       how its notes are made and written
  devices.py       hardware samplers and their limits
  rights.py        whose a pack is, and LICENSE.txt
  entries.py       sounds, wavetables and keys read from JSON
  checks.py        checks of single values
  json_files.py    plans read, plans and manifests written
render.py          a plan made into a zip; it can be stopped and resumed
sound_writer.py    one sound of it: its notes judged, shaped, looped, levelled and written
takes.py           sounds beside a sound: takes of a note, and what replaces a reject
most_different.py  the n most different of many sounds
quality.py         what a note must pass: it sounds, is whole, in tune, and not there twice
shaping.py         offset, dead time and tails removed, softer velocity layers, stereo
loops.py           which notes hold, and sustain loops for them
levels.py          true peaks, loudness and the limiter
dynamics.py        the velocity curve of all formats
zones.py           which keys and velocities play a note
naming.py          names that file systems, samplers and shops take
wav.py             notes as WAV files with root key, loop and timbre, and reading the timbre back
sfz.py, decentsampler.py, sf2.py, multisample.py, opxy.py, tonverk.py
                   sampler instruments, a file a format
readback.py        their zones, read back
check.py           whether a pack is fit to ship: `python -m gansynth_core check-pack`
pace.py            how fast this machine makes packs now
wavetable.py       single cycles along a morph
manifest.py        manifest.json and README.txt
parts.py           libraries too large for one pack, made by several processes or machines
command.py         the command line
"""
