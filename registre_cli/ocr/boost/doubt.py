"""What a transform says instead of a text."""


class DoubtfulError(Exception):
    """A person has to look: the text stays as it was read, the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotMeantError(Exception):
    """The match is not what the rule looks for; the text stays as it was read."""
