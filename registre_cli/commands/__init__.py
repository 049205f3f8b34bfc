"""One module a command: parse, call one service, hand the result to the ui."""
