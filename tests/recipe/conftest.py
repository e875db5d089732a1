"""Copies of the recipe, to be changed."""

from ..support.curation import document, edit, recipe, release, whole_recipe

__all__ = ["document", "edit", "recipe", "release", "whole_recipe"]
