"""The recipe: every declarative file that the build reads, checked as a whole."""

from kg.recipe.reading import Recipe, read_recipe

__all__ = ["Recipe", "read_recipe"]
