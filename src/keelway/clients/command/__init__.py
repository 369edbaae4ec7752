"""Run any program that takes a prompt, works and ends; read its output by rules that are data."""

from keelway.clients.command.rules import FORMATS, Output, Take
from keelway.clients.command.talk import speech

__all__ = ["FORMATS", "Output", "Take", "speech"]
