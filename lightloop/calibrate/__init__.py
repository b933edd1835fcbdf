"""`lightloop calibrate`: measuring a camera and a light, and what a run takes from that."""
