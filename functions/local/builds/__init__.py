"""The build runner of the one-machine platform: turns ordered commits into image folders."""
