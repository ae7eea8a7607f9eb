"""Measurements of the renderer: what ``manage.py benchmark`` runs, and comparisons with reference implementations."""
