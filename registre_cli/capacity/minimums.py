"""The least number of workers that each source keeps."""

from registre_cli.core.documents import Source
from registre_cli.core.errors import WrongUsageError

DEFAULT_MINIMUM = 1


def fit_minimums(size: int, min_index: int | None, min_acte: int | None) -> dict[Source, int]:
    """Return the least number of workers for each source.

    Minimums left at their default shrink to fit `size`; given ones that do not fit raise
    WrongUsageError.
    """
    given = {Source.INDEX: min_index, Source.ACTE: min_acte}
    fixed = sum(minimum for minimum in given.values() if minimum is not None)
    if fixed > size:
        raise WrongUsageError(
            f"the minimums (index {min_index or 0}, acte {min_acte or 0}) do not fit "
            f"into a pool of {size}",
            fix=f"give --size {fixed} or lower --min-index and --min-acte",
        )
    open_sources = [source for source, minimum in given.items() if minimum is None]
    # With room for only some of the defaults none is kept: the work decides.
    default = DEFAULT_MINIMUM if size - fixed >= len(open_sources) * DEFAULT_MINIMUM else 0
    return {source: default if minimum is None else minimum for source, minimum in given.items()}
