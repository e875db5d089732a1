"""The recipe: every declarative file that the build reads, validated as a whole.

`loader.read_recipe` returns a `Recipe` or raises every problem at once; one module for each kind of file.
"""

from kg.recipe.loader import Recipe, RecipeReport, inspect_recipe, read_recipe

__all__ = ["Recipe", "RecipeReport", "inspect_recipe", "read_recipe"]
