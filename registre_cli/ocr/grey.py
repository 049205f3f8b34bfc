"""A page as an array: `height` rows of `width` columns, 0 black and 255 white."""

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
