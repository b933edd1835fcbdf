"""Images for the eye alone: they change no decision and no light."""
