"""The loop: transport, recording and replay, tracker, policies."""
