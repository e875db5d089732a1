"""The real release, and a small one."""

from ..support.small_releases import changed, release, small, small_release

__all__ = ["changed", "release", "small", "small_release"]
