"""Where the bytes of large artefacts lie: files of this host, or an object store that many hosts share."""
