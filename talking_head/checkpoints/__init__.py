"""Weights of the optional engines: what they are, whether they are there, and how they get there.

``manifest`` says what each file is, ``folder`` what lies in the folder, ``licences`` what was accepted, ``sources``
where a file can come from; ``http_transfer`` and ``folder_transfer`` bring one, ``download`` all that is missing. No
Django, no torch.
"""
