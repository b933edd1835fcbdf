"""`lightloop rehearse`: how the light of a stand comes, goes and is ended, before the first run."""
