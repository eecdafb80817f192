"""The sections of NephroSynth's panel, one idea a file; NephroSynth.py puts them together."""
