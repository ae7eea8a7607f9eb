"""Backup and restore of a whole site: database, media that cannot be rebuilt, secret key, accepted licences.

A backup is a folder. ``backup.json`` is written last and has the digest of every other file, so a folder without it, or
with other bytes than it says, is no backup. The database is read first and the files afterwards: a file is stored
before the row that names it, so every file that the copied rows name is copied too, unless a user deleted it in
between.
"""
