"""What all measures of an edition look like together: pictures, and how complete and how sure the data are.

editions   which edition a page is about
asking     what its pictures and tables are made of: the answers of stored queries
heat       measures by pillar and lead ministry, as fields of a table
timeline   targets and milestones by the fiscal year in which they end
network    ministries, joined by the measures that they share
coverage   what of each column was read, is empty, or could not be read
quality    what is corrected, in doubt, open and remarked on, with the places
routes     the paths
"""

from kg.overview.routes import router as router
