"""What a transform says instead of a text."""


class DoubtfulError(Exception):
    """A person has to look: the text stays as it was read, the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UnwritableError(DoubtfulError):
    """A transform was given what it has no answer for: the rule is wrong, not the text."""

    PREFIX = "cannot be written: "

    def __init__(self, error: Exception) -> None:
        super().__init__(f"{self.PREFIX}{error}")


class NotMeantError(Exception):
    """The match is not what the rule looks for; the text stays as it was read."""
