"""Pages for a city's administrators and auditors: people, the log, messages that could not be sent."""
