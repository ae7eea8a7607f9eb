"""From script to video, stage by stage; without Django."""
