"""`audit8 doctor`: what this machine has and lacks for the main job, each lack with what to do about it."""
