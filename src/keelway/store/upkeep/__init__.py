"""Keep the store small and sound: what may go, what must stay, what is wrong."""
