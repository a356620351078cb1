# Home Assistant serves voluptuous through probatio, so these are its types.
from probatio import *
