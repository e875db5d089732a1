"""The recipe: every declarative file that the build reads, validated as a whole.

`loader.read_recipe` returns a `Recipe` or raises every problem at once; one module for each kind of file.
"""

from kg.recipe.loader import Recipe, Survey, read_recipe, survey

__all__ = ["Recipe", "Survey", "read_recipe", "survey"]
