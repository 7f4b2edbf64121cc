"""Turn documents into tasks that a strong model solves and a weak one does not."""
