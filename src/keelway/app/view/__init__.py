"""What terminal, page and chat are shown: frozen values that travel as plain JSON."""
