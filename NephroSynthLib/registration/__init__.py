"""Registration: an affine stage, a rigid stage for each kidney, their fusion into one field, and its quality."""

from NephroSynthLib.registration.landmarks import Landmarks
from NephroSynthLib.registration.quality import RegistrationQuality
from NephroSynthLib.registration.two_stage import Registration, register

__all__ = ["Landmarks", "Registration", "RegistrationQuality", "register"]
