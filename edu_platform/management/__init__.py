"""Commands of ``manage.py`` that belong to the site as a whole."""
