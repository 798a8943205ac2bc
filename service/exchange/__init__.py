"""How data gets in and out in bulk: plan files, backups."""
