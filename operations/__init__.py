"""What an operator does with a running platform: `python -m operations COMMAND --stack dev`."""
