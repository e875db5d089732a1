"""What HTTP asks of every answer, whatever is in it: representation, validators, compression, limits of clients."""
