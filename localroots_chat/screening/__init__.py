"""What may be said: texts are looked at before they are stored (SCREENING.md)."""
