"""Who may do what: users, roles, tokens and the one policy."""
