"""Dead letters: what topic ``dead-letters`` holds, listed, shown, and sent back to where it came from."""
