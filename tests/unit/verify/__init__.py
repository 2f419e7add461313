"""Looking from outside, tested against sites on loopback."""
