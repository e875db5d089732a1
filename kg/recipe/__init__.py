"""The recipe: every declarative file that the build reads, validated as a whole.

`read_recipe` returns a `Recipe` or raises all problems at once; `inspect_recipe` returns the readable parts and the
problems. There is one module for each kind of file. Other packages import these names from here, and the types of rows
(`sources.Source`, `code_lists.CodeList`, `eras.Era`, `corrections.Correction`) from their modules.
"""

from kg.recipe.loader import Recipe, RecipeReport, inspect_recipe, read_recipe

__all__ = ["Recipe", "RecipeReport", "inspect_recipe", "read_recipe"]
