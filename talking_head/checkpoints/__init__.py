"""Weights of the optional engines: what they are, whether they are installed, and how they are downloaded.

``manifest`` describes each file, ``folder`` the state of the checkpoints folder, ``licences`` which licences were
accepted, ``sources`` where a file can come from; ``http_transfer`` and ``folder_transfer`` transfer one file,
``download`` all missing ones. No Django, no torch.
"""
