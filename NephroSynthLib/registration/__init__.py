"""Registration: an affine stage, a rigid stage for each kidney, a dense refinement, and the quality of the result."""

from NephroSynthLib.registration.landmarks import Landmarks
from NephroSynthLib.registration.quality import RegistrationQuality
from NephroSynthLib.registration.staged_registration import Registration, register

__all__ = ["Landmarks", "Registration", "RegistrationQuality", "register"]
