"""Deploys: a plan that is shown and executed, proof of health, and the way back."""
