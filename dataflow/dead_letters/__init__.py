"""Dead letters: lists, shows and replays what topic ``dead-letters`` holds."""
