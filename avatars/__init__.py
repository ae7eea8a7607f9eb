"""Who speaks: portraits and voices as people manage them, with consent."""
