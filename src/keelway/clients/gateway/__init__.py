"""The model gateway: keys stay here, every token is counted here, a spent budget ends here."""
