"""The native core's public names."""

from __future__ import annotations

from ._core import RLEBatch, __version__, backends, build_config, decode, encode

__all__ = ["RLEBatch", "__version__", "backends", "build_config", "decode", "encode"]
