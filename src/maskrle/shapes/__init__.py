"""An embedded network that finds drawn shapes, and generated scenes of such shapes to run it on."""

from .drawing import CLASSES
from .embedded import network
from .scenes import Truth, scene

__all__ = ["CLASSES", "Truth", "network", "scene"]
