"""The real release, and recipes that are small or have several documents."""

from ..support.curation import document, edit, recipe, release, whole_recipe
from ..support.several_documents import alone, several
from ..support.small_releases import changed, small, small_release

__all__ = [
    "alone",
    "changed",
    "document",
    "edit",
    "recipe",
    "release",
    "several",
    "small",
    "small_release",
    "whole_recipe",
]
