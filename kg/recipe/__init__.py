"""The recipe: every declarative file that the build reads, checked as a whole."""

from kg.recipe.reading import Recipe, Survey, read_recipe, survey

__all__ = ["Recipe", "Survey", "read_recipe", "survey"]
