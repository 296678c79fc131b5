"""Long proofs, outside ``make test``: ``make soak`` runs them."""
