"""The record of everything that happened: show, verify, export, prove."""
