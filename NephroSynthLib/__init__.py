"""NephroSynth: the nephrographic phase of a CT urography exam, synthesized from its non-contrast and excretory phases.

Research use only. Importing this package loads none of the heavy libraries; a stage loads its libraries when it starts.
"""

__version__ = "0.1.0"
